//go:build !linux

package commitlog

// dsync is 0 where a write and its fdatasync are two calls.
const dsync = 0
