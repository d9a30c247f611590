/* Which system calls change files, and what each did to the watched folder. */
#define _GNU_SOURCE
#include "look.h"
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define SPANS 1024

const long traced_calls[] = {
#ifdef SYS_open
    SYS_open, SYS_creat, SYS_rename, SYS_unlink, SYS_rmdir, SYS_mkdir, SYS_link, SYS_symlink,
    SYS_chown, SYS_lchown,
#endif
#ifdef SYS_renameat
    SYS_renameat,
#endif
    SYS_openat, SYS_openat2, SYS_write, SYS_writev, SYS_pwrite64, SYS_pwritev, SYS_pwritev2, SYS_truncate,
    SYS_ftruncate, SYS_fallocate, SYS_fsync, SYS_fdatasync, SYS_syncfs, SYS_sync, SYS_renameat2, SYS_unlinkat,
    SYS_mkdirat, SYS_linkat, SYS_fchown, SYS_fchownat, SYS_symlinkat, SYS_copy_file_range, SYS_sendfile, SYS_splice, SYS_mmap, SYS_io_submit,
};
const unsigned traced_count = sizeof traced_calls / sizeof *traced_calls;

static char folder[PATH_MAX];
static size_t folder_length;
static int log_file;
static uint64_t written;
static char path[2 * PATH_MAX], other[2 * PATH_MAX];

void give_up(const char *what) {
    fprintf(stderr, "recorder: %s: %s\n", what, strerror(errno));
    exit(70);
}

void watch_folder(const char *name, const char *log) {
    if (!realpath(name, folder)) give_up(name);
    folder_length = strlen(folder);
    log_file = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (log_file < 0) give_up(log);
}

uint64_t records_written(void) { return written; }

static int inside(const char *name) {
    return !strncmp(name, folder, folder_length) && (name[folder_length] == '/' || !name[folder_length]);
}

static void emit(struct record record, const char *first, const char *second, const void *bytes) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    record.at_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    record.path_length = first ? strlen(first) : 0;
    record.other_length = second ? strlen(second) : 0;
    struct iovec parts[] = {{&record, sizeof record},
                            {(void *)first, record.path_length},
                            {(void *)second, record.other_length},
                            {(void *)bytes, bytes ? record.length : 0}};
    ssize_t whole = sizeof record + parts[1].iov_len + parts[2].iov_len + parts[3].iov_len;
    if (writev(log_file, parts, 4) != whole) give_up("cannot write the record");
    written++;
}

static void write_bytes(const struct call *call, uint64_t length) {
    uint64_t position;
    uint32_t flags = 0;
    int fd = (int)call->arguments[0];
    struct iovec spans[SPANS] = {{(void *)call->arguments[1], length}};
    int count = 1;
    place_of(call->thread, fd, &position, &flags);
    int positioned = call->number != SYS_write && call->number != SYS_writev;
    if (call->number != SYS_write && call->number != SYS_pwrite64) {
        struct iovec array = {(void *)call->arguments[1], call->arguments[2] * sizeof *spans};
        if (call->arguments[2] > SPANS) give_up("too many parts in one write");
        fetch(call->thread, &array, 1, spans, array.iov_len);
        uint64_t left = length;
        for (count = 0; left; left -= spans[count++].iov_len)
            if (spans[count].iov_len > left) spans[count].iov_len = left;
    }
    if (positioned && (flags & O_APPEND)) give_up("a positioned write to an appending file");
    if (call->number == SYS_pwritev2 && call->arguments[5]) give_up("a write with flags");
    char *bytes = malloc(length);
    if (!bytes) give_up("no memory");
    fetch(call->thread, spans, count, bytes, length);
    uint64_t offset = positioned ? call->arguments[3] : position - length;
    emit((struct record){.operation = OPERATION_WRITE, .inode = file_of(call->thread, fd).st_ino, .offset = offset,
                         .length = length, .flags = flags}, 0, 0, bytes);
    free(bytes);
}

/* The open file that a call changes or syncs, -1 for calls that name paths. */
static int changed_file(const struct call *call) {
    switch (call->number) {
    case SYS_write: case SYS_writev: case SYS_pwrite64: case SYS_pwritev: case SYS_pwritev2: case SYS_ftruncate:
    case SYS_fallocate: case SYS_fsync: case SYS_fdatasync: case SYS_syncfs: case SYS_sendfile:
    case SYS_fchown:
        return (int)call->arguments[0];
    case SYS_copy_file_range: case SYS_splice:
        return (int)call->arguments[2];
    case SYS_mmap: {
        int kept = (call->arguments[2] & PROT_WRITE) && (call->arguments[3] & MAP_SHARED);
        return kept && !(call->arguments[3] & MAP_ANONYMOUS) ? (int)call->arguments[4] : INT_MAX;
    }
    default:
        return -1;
    }
}

/* Puts what a call names into `path` and `other`. */
static void read_paths(const struct call *call) {
    const uint64_t *a = call->arguments;
    *path = *other = 0;
    switch (call->number) {
#ifdef SYS_open
    case SYS_rename: case SYS_link:
        path_at(call->thread, AT_FDCWD, a[1], other); /* and the first, as below */
        __attribute__((fallthrough));
    case SYS_open: case SYS_creat: case SYS_unlink: case SYS_rmdir: case SYS_mkdir:
    case SYS_chown: case SYS_lchown:
        path_at(call->thread, AT_FDCWD, a[0], path);
        return;
    case SYS_symlink:
        path_at(call->thread, AT_FDCWD, a[1], path);
        return;
#endif
    case SYS_truncate:
        path_at(call->thread, AT_FDCWD, a[0], path);
        return;
#ifdef SYS_renameat
    case SYS_renameat:
#endif
    case SYS_renameat2: case SYS_linkat:
        path_at(call->thread, (int)a[2], a[3], other);
        __attribute__((fallthrough));
    case SYS_openat: case SYS_openat2: case SYS_unlinkat: case SYS_mkdirat:
    case SYS_fchownat:
        path_at(call->thread, (int)a[0], a[1], path);
        return;
    case SYS_symlinkat:
        path_at(call->thread, (int)a[1], a[2], path);
        return;
    }
}

int touches_folder(const struct call *call) {
    if (call->number == SYS_sync || call->number == SYS_io_submit) return 1;
    int fd = changed_file(call);
    if (fd >= 0) return link_of(call->thread, fd, path) && inside(path);
    read_paths(call);
    return inside(path) || inside(other);
}

static void write_open(const struct call *call, int fd, uint64_t flags) {
    if (!(flags & (O_CREAT | O_TRUNC))) return;
    if ((flags & O_TMPFILE) == O_TMPFILE) give_up("a file without a name");
    link_of(call->thread, fd, path);
    struct stat found = file_of(call->thread, fd);
    emit((struct record){.operation = OPERATION_OPEN, .inode = found.st_ino, .offset = found.st_uid, .flags = flags},
         path, 0, 0);
}

void write_down(const struct call *call, int64_t result) {
    const uint64_t *a = call->arguments;
    if (result < 0) return;
    int fd = changed_file(call);
    if (fd < 0) read_paths(call);
    uint64_t inode = fd >= 0 && fd != INT_MAX ? file_of(call->thread, fd).st_ino : 0;
    struct stat found;
    switch (call->number) {
#ifdef SYS_open
    case SYS_open: write_open(call, (int)result, a[1]); return;
    case SYS_creat: write_open(call, (int)result, O_CREAT | O_TRUNC); return;
    case SYS_rename:
#endif
#ifdef SYS_renameat
    case SYS_renameat:
#endif
    case SYS_renameat2:
        if (call->number == SYS_renameat2 && (a[4] & RENAME_EXCHANGE)) break;
        emit((struct record){.operation = OPERATION_RENAME}, path, other, 0);
        return;
    case SYS_openat: write_open(call, (int)result, a[2]); return;
    case SYS_write: case SYS_writev: case SYS_pwrite64: case SYS_pwritev: case SYS_pwritev2:
        if (result) write_bytes(call, (uint64_t)result);
        return;
    case SYS_ftruncate:
        emit((struct record){.operation = OPERATION_TRUNCATE, .inode = inode, .offset = a[1]}, 0, 0, 0);
        return;
    case SYS_truncate:
        emit((struct record){.operation = OPERATION_TRUNCATE, .inode = file_at(path).st_ino, .offset = a[1]}, 0, 0, 0);
        return;
    case SYS_fallocate:
        if (a[1]) break;
        emit((struct record){.operation = OPERATION_GROW, .inode = inode, .offset = a[2] + a[3]}, 0, 0, 0);
        return;
    case SYS_syncfs: case SYS_sync: inode = 0; __attribute__((fallthrough));
    case SYS_fsync: case SYS_fdatasync:
        emit((struct record){.operation = OPERATION_SYNC, .inode = inode, .offset = call->since}, 0, 0, 0);
        return;
#ifdef SYS_open
    case SYS_unlink: case SYS_rmdir:
#endif
    case SYS_unlinkat: emit((struct record){.operation = OPERATION_UNLINK}, path, 0, 0); return;
#ifdef SYS_open
    case SYS_mkdir:
#endif
    case SYS_mkdirat:
        found = file_at(path);
        emit((struct record){.operation = OPERATION_MKDIR, .inode = found.st_ino, .offset = found.st_uid}, path, 0, 0);
        return;
#ifdef SYS_open
    case SYS_chown: case SYS_lchown:
#endif
    case SYS_fchown: case SYS_fchownat:
        found = fd >= 0 ? file_of(call->thread, fd) : file_at(path);
        emit((struct record){.operation = OPERATION_OWN, .inode = found.st_ino, .offset = found.st_uid}, 0, 0, 0);
        return;
#ifdef SYS_open
    case SYS_link:
#endif
    case SYS_linkat: emit((struct record){.operation = OPERATION_LINK}, path, other, 0); return;
    }
    emit((struct record){.operation = OPERATION_UNCOVERED, .flags = (uint32_t)call->number}, path, 0, 0);
}
