//go:build unix && !linux

package wsconn

// bareListener is not used here.
type bareListener struct{}

func accepting(*Front) *bareListener { return nil }

func (*bareListener) run() {}

func (*bareListener) close() {}
