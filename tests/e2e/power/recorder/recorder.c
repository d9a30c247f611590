/* recorder LOG FOLDER COMMAND...: runs the command and writes down what it and its descendants do to files in FOLDER.
 *
 * A ptrace tracer, since a static program has no library to stand in for. Its death kills whom it watches, and no call
 * returns to its caller before it is written down: killing the recorder is pulling the plug.
 */
#define _GNU_SOURCE
#include "record.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS 65536 /* by thread id: threads of one stack never come near */
#define OPTIONS                                                                                                        \
    (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC |     \
     PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL)
#ifdef __x86_64__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

static struct call begun[SLOTS];
static pid_t command;

static struct call *call_of(pid_t thread) {
    for (unsigned i = 0; i < SLOTS; i++) {
        struct call *slot = &begun[(thread + i) % SLOTS];
        if (slot->thread == thread || !slot->thread) return slot;
    }
    give_up("too many threads");
}

/* Only the calls that matter stop their caller. io_uring would pass by unseen, so there is none, as in containers. */
static void install_filter(void) {
    struct sock_filter program[2 * 64 + 8];
    unsigned short n = 0;
    program[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    program[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1);
    program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
    for (unsigned i = 0; i < traced_count; i++) {
        program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)traced_calls[i], 0, 1);
        program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
    }
    program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog filter = {n, program};
    if (!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter)) return;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
        give_up("no filter for system calls");
}

static void start(char **arguments) {
    int gate[2];
    char byte = 0;
    if (pipe(gate)) give_up("pipe");
    command = fork();
    if (command < 0) give_up("fork");
    if (!command) {
        close(gate[1]);
        if (read(gate[0], &byte, 1) != 1) _exit(70);
        close(gate[0]);
        install_filter();
        execvp(arguments[0], arguments);
        give_up(arguments[0]);
    }
    if (ptrace(PTRACE_SEIZE, command, 0, OPTIONS)) give_up("ptrace");
    if (write(gate[1], &byte, 1) != 1) give_up("pipe");
    close(gate[0]);
    close(gate[1]);
}

static void resume(int request, pid_t thread, int number) {
    if (ptrace(request, thread, 0, number) && errno != ESRCH) give_up("ptrace");
}

static void on_entry(pid_t thread) {
    struct __ptrace_syscall_info found;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof found, &found) < 0) return resume(PTRACE_CONT, thread, 0);
    struct call call = {thread, (long)found.seccomp.nr, {0}, records_written()};
    for (int i = 0; i < 6; i++) call.arguments[i] = found.seccomp.args[i];
    int touches = touches_folder(&call);
    if (touches) *call_of(thread) = call;
    resume(touches ? PTRACE_SYSCALL : PTRACE_CONT, thread, 0);
}

static void on_exit_of_call(pid_t thread) {
    struct __ptrace_syscall_info found;
    struct call *call = call_of(thread);
    if (call->number >= 0 && ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof found, &found) > 0)
        write_down(call, found.exit.rval);
    call->number = -1;
    resume(PTRACE_CONT, thread, 0);
}

static void on_stop(pid_t thread, int status) {
    int number = WSTOPSIG(status), event = status >> 16;
    if (event == PTRACE_EVENT_SECCOMP) return on_entry(thread);
    if (number == (SIGTRAP | 0x80)) return on_exit_of_call(thread);
    if (event == PTRACE_EVENT_STOP && number != SIGTRAP) return resume(PTRACE_LISTEN, thread, 0);
    resume(PTRACE_CONT, thread, event ? 0 : number);
}

static void pass_on(int number) { kill(command, number); }

int main(int count, char **arguments) {
    if (count < 4) return 64;
    watch_folder(arguments[2], arguments[1]);
    start(arguments + 3);
    struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &action, 0);
    sigaction(SIGTERM, &action, 0);
    int status, ended = 0;
    for (pid_t thread; (thread = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR;) {
        if (thread < 0) continue;
        if (WIFSTOPPED(status)) on_stop(thread, status);
        else if (thread == command) ended = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return ended;
}
