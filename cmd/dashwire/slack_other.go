//go:build !linux

package main

// calmMonitor does something for Linux only.
func calmMonitor(func(path string, args, env []string) error) {}
