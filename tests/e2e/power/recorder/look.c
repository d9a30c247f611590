/* What can be seen of a stopped thread: its memory, its paths, its open files. */
#define _GNU_SOURCE
#include "look.h"

#include "record.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096

void fetch(pid_t thread, const struct iovec *from, int count, void *to, size_t length) {
    struct iovec local = {to, length};
    if (process_vm_readv(thread, &local, 1, from, count, 0) != (ssize_t)length) give_up("cannot read its memory");
}

/* What a link of /proc says: of an open file, or of the working folder. */
int link_of(pid_t thread, int fd, char *out) {
    char link[64];
    if (fd == AT_FDCWD) snprintf(link, sizeof link, "/proc/%d/cwd", thread);
    else snprintf(link, sizeof link, "/proc/%d/fd/%d", thread, fd);
    ssize_t length = readlink(link, out, PATH_MAX - 1);
    out[length < 0 ? 0 : length] = 0;
    return length > 0;
}

/* The path at `address`, made absolute. Page by page: a string may end just before memory that is not there. */
void path_at(pid_t thread, int fd, uint64_t address, char *out) {
    char name[PATH_MAX + PAGE];
    size_t length = 0;
    do {
        size_t part = PAGE - (address + length) % PAGE;
        struct iovec from = {(void *)(address + length), part};
        struct iovec to = {name + length, part};
        if (length > PATH_MAX || process_vm_readv(thread, &to, 1, &from, 1, 0) != (ssize_t)part) {
            *out = 0;
            return;
        }
        length += part;
    } while (!memchr(name, 0, length));
    *out = 0;
    if (*name != '/' && link_of(thread, fd, out)) strcat(out, "/");
    strcat(out, name);
}

struct stat file_of(pid_t thread, int fd) {
    char link[64];
    struct stat found;
    snprintf(link, sizeof link, "/proc/%d/fd/%d", thread, fd);
    if (stat(link, &found)) give_up("cannot see an open file");
    return found;
}

struct stat file_at(const char *name) {
    struct stat found;
    if (lstat(name, &found)) give_up("cannot see what was just changed");
    return found;
}

/* Position and flags of an open file. */
void place_of(pid_t thread, int fd, uint64_t *position, uint32_t *flags) {
    char name[64];
    unsigned long long at;
    snprintf(name, sizeof name, "/proc/%d/fdinfo/%d", thread, fd);
    FILE *file = fopen(name, "re");
    if (!file || fscanf(file, "pos: %llu flags: %o", &at, flags) != 2) give_up("cannot see an open file's place");
    fclose(file);
    *position = at;
}
