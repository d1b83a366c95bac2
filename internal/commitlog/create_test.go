package commitlog

import (
	"path/filepath"
	"testing"
)

// The segment that is needed next is made while the one before is written to, unless it would be more
// than is kept or allowed.
func TestTheNextSegmentIsMadeAhead(t *testing.T) {
	for _, test := range []struct {
		name string
		opts Options
		want int
	}{
		{"room for it", Options{SegmentBytes: 300_000}, 2},
		{"more than is kept", Options{SegmentBytes: 300_000, KeepBytes: 500_000}, 1},
		{"more than is allowed", Options{SegmentBytes: 300_000, MaxBytes: 500_000}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "log")
			o := open(t, dir, 0, test.opts)
			o.add(10)
			if err := o.Close(); err != nil { // which waits for it
				t.Fatal(err)
			}
			if n := len(segmentFiles(t, dir)); n != test.want {
				t.Errorf("there are %d files, want %d", n, test.want)
			}
			if o = open(t, dir, 0, test.opts); o.Bytes() > 600_000 {
				t.Errorf("the log has %d bytes", o.Bytes())
			}
			o.holds(1, 1, 10)
			for range 4 { // into that segment, and the next
				o.add(60_000)
			}
		})
	}
}
