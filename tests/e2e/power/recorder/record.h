/* What the recorder writes down: one header for each operation on the folder, then two paths, then the bytes written. */
#ifndef RECORD_H
#define RECORD_H

#include <stdint.h>
#include <sys/types.h>

enum operation {
    OPERATION_OPEN = 1,  /* path, inode; offset is the owner, flags are those of open(2) */
    OPERATION_WRITE,     /* inode, offset, length, bytes; flags are those of the open file */
    OPERATION_TRUNCATE,  /* inode; offset is the new size */
    OPERATION_GROW,      /* inode; offset is the least size */
    OPERATION_SYNC,      /* inode, 0 for all; offset counts the operations that were over when it began */
    OPERATION_RENAME,    /* path, other */
    OPERATION_LINK,      /* path, other */
    OPERATION_UNLINK,    /* path, of a file or an empty folder */
    OPERATION_MKDIR,     /* path, inode; offset is the owner */
    OPERATION_OWN,       /* inode; offset is the owner */
    OPERATION_UNCOVERED, /* path; flags is the number of the system call */
};

struct record {
    uint64_t at_ns; /* CLOCK_MONOTONIC, after the call and before its caller knows */
    uint64_t inode;
    uint64_t offset;
    uint64_t length;
    uint32_t flags;
    uint16_t path_length;
    uint16_t other_length;
    uint64_t operation;
};

/* A system call that has begun. */
struct call {
    pid_t thread;
    long number;
    uint64_t arguments[6];
    uint64_t since; /* records written before it began */
};

/* calls.c: what a call does to the folder. */
extern const long traced_calls[];
extern const unsigned traced_count;
void watch_folder(const char *folder, const char *log);
uint64_t records_written(void);
int touches_folder(const struct call *call);
void write_down(const struct call *call, int64_t result);
_Noreturn void give_up(const char *what);

#endif
