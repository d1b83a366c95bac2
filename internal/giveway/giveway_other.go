//go:build !linux

package giveway

const supported = false

// ToPoller does nothing.
func ToPoller() {}
