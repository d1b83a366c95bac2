//go:build !unix

package main

// descriptorLimit is not known here.
func descriptorLimit() (int, bool) { return 0, false }
