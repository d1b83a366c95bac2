package commitlog

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Whoever keeps where the newest segment begins is told when it has gone, however much of the
// log was released; nobody is told of a segment that is missing while none is.
func TestA1_AMissingNewestSegmentIsTold(t *testing.T) {
	none := func(Commit) error { return nil }
	opts := Options{SegmentBytes: 300_000}
	dir := filepath.Join(t.TempDir(), "log")
	o := open(t, dir, 0, opts)
	if n := o.Newest(); n != 0 {
		t.Errorf("before any commit the newest segment begins with %d", n)
	}
	for o.Last() < 100 {
		o.add(10_000)
		if o.Last()%9 == 0 {
			if err := o.Release(o.Last() - 1); err != nil {
				t.Fatal(err)
			}
		}
		newest := o.Newest()
		if newest == 0 || newest > o.Last() {
			t.Fatalf("after commit %d the newest segment begins with %d", o.Last(), newest)
		}
		for _, after := range []uint64{o.Last() - 1, o.Last()} {
			if err := Read(dir, owner, after, newest, none); err != nil {
				t.Fatalf("commit %d, after %d: %v", o.Last(), after, err)
			}
		}
	}
	newest := o.Newest()
	name := filepath.Base(o.newest.name)
	if err := o.Release(o.Last()); err != nil { // even then: who opens it cannot know
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, name), filepath.Join(dir, name+".away")); err != nil {
		t.Fatal(err)
	}
	opts.Newest = newest
	for _, after := range []uint64{99, 100} {
		if err := Read(dir, owner, after, newest, none); !errors.Is(err, ErrMissing) {
			t.Errorf("read after %d: got %v, want ErrMissing", after, err)
		}
		if l, err := Open(dir, owner, after, opts, none); !errors.Is(err, ErrMissing) {
			t.Errorf("open after %d: got %v, %v, want ErrMissing", after, l, err)
		}
	}
	if err := os.Rename(filepath.Join(dir, name+".away"), filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir, 99, opts)
	again.holds(100, 100, 10_000)
	if n := again.Newest(); n != newest {
		t.Errorf("opened again, the newest segment begins with %d, was %d", n, newest)
	}
}

// The newest segment stays until another is begun, also if one large commit has asked for it.
func TestA1_TheNewestSegmentStays(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	o := open(t, dir, 0, Options{SegmentBytes: 300_000, KeepBytes: 1})
	for range 3 {
		o.add(1 << 20)
		if err := o.Release(o.Last()); err != nil {
			t.Fatal(err)
		}
		if err := Read(dir, owner, o.Last(), o.Newest(), func(Commit) error { return nil }); err != nil {
			t.Errorf("after commit %d: %v", o.Last(), err)
		}
	}
	if n := len(segmentFiles(t, dir)); n > 2 {
		t.Errorf("%d files are kept", n)
	}
}

// A segment about to be used again, whose new head a crash has cut short, is not missing.
func TestA2_ATornHeadIsNotMissing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	o := open(t, dir, 0, Options{})
	o.add(10)
	if err := o.Release(1); err != nil {
		t.Fatal(err)
	}
	newest := o.Newest()
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, segmentFiles(t, dir)[0])
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte("torn"), 10)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	open(t, dir, 1, Options{Newest: newest}).add(10)
}
