package commitlog

import "golang.org/x/sys/unix"

// dsync makes a write and its fdatasync one call, in a thread that waits for the disk.
const dsync = unix.O_DSYNC
