package lane

import "syscall"

// yieldThread lets the other threads that are ready have the processor: where there are
// fewer processors than threads at work, what is done for a session in good standing waits
// otherwise until the time of this thread is over, which is milliseconds.
func yieldThread() { _, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0) }
