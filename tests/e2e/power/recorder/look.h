#ifndef LOOK_H
#define LOOK_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

void fetch(pid_t thread, const struct iovec *from, int count, void *to, size_t length);
int link_of(pid_t thread, int fd, char *out);
void path_at(pid_t thread, int fd, uint64_t address, char *out);
struct stat file_of(pid_t thread, int fd);
struct stat file_at(const char *name);
void place_of(pid_t thread, int fd, uint64_t *position, uint32_t *flags);

#endif
