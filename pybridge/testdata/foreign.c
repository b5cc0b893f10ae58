/* A library that behaves as MindSpore's do (sig_handler.cc, signal_util.cc):
 * it takes signals over, signals its own process, waits for any child. */
#define _GNU_SOURCE
#include <signal.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int handled;

static void handler(int sig) { handled = sig; }

int handled_signal(void) { return handled; }

/* Without SA_ONSTACK. */
int install(int sig)
{
	struct sigaction act;
	memset(&act, 0, sizeof act);
	act.sa_handler = handler;
	return sigaction(sig, &act, NULL);
}

int ignore(int sig) { return signal(sig, SIG_IGN) == SIG_ERR; }

/* Saves a handler and puts it back, but not all of its flags. */
int save_and_restore(int sig)
{
	struct sigaction act, old;
	memset(&act, 0, sizeof act);
	act.sa_handler = handler;
	if (sigaction(sig, &act, &old) != 0)
		return 1;
	old.sa_flags &= SA_RESTART | SA_SIGINFO;
	return sigaction(sig, &old, NULL);
}

/* Past the C library. */
int install_raw(int sig)
{
	struct {
		uintptr_t handler;
		unsigned long flags;
		uintptr_t restorer;
		uint64_t mask;
	} act;
	if (syscall(SYS_rt_sigaction, sig, NULL, &act, 8) != 0)
		return 1;
	act.handler = (uintptr_t)handler;
	act.flags &= ~(unsigned long)(SA_ONSTACK | SA_SIGINFO);
	return syscall(SYS_rt_sigaction, sig, &act, NULL, 8) != 0;
}

int on_stack(int sig)
{
	struct sigaction act;
	return sigaction(sig, NULL, &act) == 0 && (act.sa_flags & SA_ONSTACK) != 0;
}

int kill_ourselves(int sig) { return kill(getpid(), sig); }
int kill_our_group(int sig) { return kill(0, sig); }
int raise_signal(int sig) { return raise(sig); }
int queue_signal(int sig) { return sigqueue(getpid(), sig, (union sigval){0}); }
int signal_thread(int sig) { return pthread_kill(pthread_self(), sig); }

int exit_process(int status) { exit(status); }
int exit_quickly(int status) { quick_exit(status); }
int exit_at_once(int status) { _exit(status); }
int exit_plainly(int status) { _Exit(status); }

int wait_for_any(void) { return wait(NULL); }

int waitid_for_any(void)
{
	siginfo_t info;
	return waitid(P_ALL, 0, &info, WEXITED);
}

/* Takes its time in C, holding the interpreter. */
int read_byte(int fd)
{
	char byte;
	return read(fd, &byte, 1) == 1 ? byte : -1;
}

int hold(int milliseconds) { return usleep(1000 * milliseconds); }
