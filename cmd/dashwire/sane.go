package main

import "math"

// sane refuses numbers with which the server could not work as anybody means it to.
func (c *serveCmd) sane() error {
	for _, s := range []struct {
		flag  string
		value size
	}{
		{"bytes-per-second", c.BytesPerSecond},
		{"max-message", c.MaxMessage},
		{"max-document", c.MaxDocument},
	} {
		if s.value > math.MaxInt32 {
			return refuse("--%s %s is too much: it must be below 2GiB", s.flag, bytesText(int64(s.value)))
		}
	}
	return nil
}
