//go:build !unix

package bench

// descriptorLimit is not known here.
func descriptorLimit() (int, bool) { return 0, false }
