package commitlog

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const owner = "the owner"

// opened is a log with what it held when it was opened.
type opened struct {
	*Log
	t        testing.TB
	dir      string
	payloads map[uint64]string
}

func open(t testing.TB, dir string, after uint64, opts Options) *opened {
	t.Helper()
	o := &opened{t: t, dir: dir, payloads: map[uint64]string{}}
	var err error
	o.Log, err = Open(dir, owner, after, opts, func(c Commit) error {
		if c.Damaged {
			t.Errorf("commit %d is damaged", c.Sequence)
		}
		o.payloads[c.Sequence] = string(c.Payload)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

// add appends a payload of its own for the next commit, at least size bytes of it.
func (o *opened) add(size int) {
	o.t.Helper()
	want := o.Last() + 1
	n, err := o.Append(append(Frame(size), payload(want, size)...))
	if err != nil || n != want {
		o.t.Fatalf("append: commit %d, %v; want %d", n, err, want)
	}
}

func payload(n uint64, size int) string {
	return fmt.Sprint("commit ", n, " ", string(bytes.Repeat([]byte{'x'}, size)))
}

// holds checks that exactly the commits from one to another were there, of the size given.
func (o *opened) holds(from, to uint64, size int) {
	o.t.Helper()
	if uint64(len(o.payloads)) != to-from+1 {
		o.t.Fatalf("it holds %d commits, want %d to %d", len(o.payloads), from, to)
	}
	for n := from; n <= to; n++ {
		if o.payloads[n] != payload(n, size) {
			o.t.Fatalf("commit %d is %.40q", n, o.payloads[n])
		}
	}
}

// segmentFiles are the names in the folder.
func segmentFiles(t testing.TB, dir string) []string {
	t.Helper()
	names, err := names(dir)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestCommitsComeBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	for round := range uint64(4) {
		o := open(t, dir, 0, Options{SegmentBytes: 300_000})
		o.holds(1, 50*round, 10_000)
		for range 50 {
			o.add(10_000)
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
	o := open(t, dir, 120, Options{})
	o.holds(121, 200, 10_000)
}

// Wherever a crash cuts the last write short, what was confirmed is there, nothing else is,
// and writing goes on.
func TestA2_TornEnd(t *testing.T) {
	for _, size := range []int{1, 100, 5000} {
		dir := filepath.Join(t.TempDir(), "log")
		o := open(t, dir, 0, Options{})
		for range 3 {
			o.add(size)
		}
		begin := int(o.end)
		o.add(size)
		end := int(o.end)
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, segmentFiles(t, dir)[0])
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		last := begin + frameHead + len(payload(4, size)) // the padding does not count
		for cut := begin; cut < end; cut += max(1, size/50) {
			torn := bytes.Clone(whole)
			if clear(torn[cut:]); bytes.Equal(torn[:last], whole[:last]) {
				continue
			}
			if err := os.WriteFile(path, torn, 0o600); err != nil {
				t.Fatal(err)
			}
			again := open(t, dir, 0, Options{})
			again.holds(1, 3, size)
			again.add(size / 2)
			if err := again.Close(); err != nil {
				t.Fatal(err)
			}
			again = open(t, dir, 3, Options{})
			again.holds(4, 4, size/2)
			if err := again.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// What is no good before something good is damage, and told.
func TestR7_DamageIsTold(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	o := open(t, dir, 0, Options{SegmentBytes: 300_000})
	var begins []int
	for range 100 {
		if len(o.inUse) <= 1 {
			begins = append(begins, max(int(o.end), segmentHead))
		}
		o.add(10_000)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, segmentFiles(t, dir)[0])
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n, begin := range begins[:len(begins)-1] {
		for _, at := range []int{begin, begin + 9, begin + 17, begin + 25, begin + frameHead, begin + frameHead + 5000} {
			bad := bytes.Clone(whole)
			bad[at] ^= 4
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			damaged := uint64(0)
			err := Read(dir, owner, 0, 0, func(c Commit) error {
				if c.Damaged {
					damaged = c.Sequence
				}
				return nil
			})
			inPayload := at >= begin+frameHead
			if inPayload && (err != nil || damaged != uint64(n)+1) || !inPayload && !errors.Is(err, ErrDamaged) {
				t.Errorf("byte %d of commit %d: commit %d is damaged, %v", at-begin, n+1, damaged, err)
			}
		}
	}
	for name, missing := range map[string]int{"the first segment": 0, "one between others": 1} {
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		gone := filepath.Join(dir, segmentFiles(t, dir)[missing])
		if err := os.Rename(gone, gone+".away"); err != nil {
			t.Fatal(err)
		}
		if err := Read(dir, owner, 0, 0, func(Commit) error { return nil }); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s is missing: got %v", name, err)
		}
		if err := os.Rename(gone+".away", gone); err != nil {
			t.Fatal(err)
		}
	}
}

// Released space is used again, and what stood there before is never read, however often and
// wherever the log is opened again.
// A head that cannot be read does not make commits that were confirmed disappear.
func TestR7_ADamagedHeadIsTold(t *testing.T) {
	for _, commits := range []int{1, 5} {
		dir := filepath.Join(t.TempDir(), "log")
		o := open(t, dir, 0, Options{})
		for range commits {
			o.add(100)
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, segmentFiles(t, dir)[0])
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for at := range 36 { // what its checksum covers, and that
			bad := bytes.Clone(good)
			bad[at] ^= 0x10
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			none := func(Commit) error { return nil }
			if l, err := Open(dir, owner, 0, Options{}, none); !errors.Is(err, ErrDamaged) {
				t.Fatalf("byte %d of the head of %d commits: got %v, %v; want ErrDamaged", at, commits, l, err)
			}
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, bad) {
				t.Fatalf("byte %d: the segment was changed, %v", at, err)
			}
			if err := Read(dir, owner, uint64(commits), 0, none); err != nil {
				t.Fatalf("byte %d: nothing in it is needed any more: got %v", at, err)
			}
		}
	}
}

func TestReleasedSpaceIsUsedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	random := rand.New(rand.NewPCG(1, 2))
	released, most := uint64(0), int64(0)
	o := open(t, dir, 0, Options{SegmentBytes: 300_000})
	for range 400 {
		for range random.IntN(12) {
			o.add(10_000)
		}
		switch random.IntN(4) {
		case 0:
			released = o.Last() - min(o.Last()-released, uint64(random.IntN(5)))
			if err := o.Release(released); err != nil {
				t.Fatal(err)
			}
		case 1:
			last := o.Last()
			if err := o.Close(); err != nil {
				t.Fatal(err)
			}
			o = open(t, dir, released, Options{SegmentBytes: 300_000})
			o.holds(released+1, last, 10_000)
		}
		if err := o.InPlace(); err != nil {
			t.Fatal(err)
		}
		most = max(most, o.Bytes())
	}
	if most > 3<<20 {
		t.Errorf("it has grown to %d bytes", most)
	}
}

func TestALargeCommitHasItsOwnSegment(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	o := open(t, dir, 0, Options{SegmentBytes: 300_000, KeepBytes: 1 << 20})
	o.add(10)
	o.add(3 << 20)
	o.add(10)
	if err := o.Release(3); err != nil {
		t.Fatal(err)
	}
	o.add(10)
	if n := o.Bytes(); n > 1<<20 {
		t.Errorf("%d bytes are kept", n)
	}
	again := map[uint64]string{}
	err := Read(dir, owner, 3, 0, func(c Commit) error {
		again[c.Sequence] = string(c.Payload)
		return nil
	})
	if err != nil || len(again) != 1 || again[4] != payload(4, 10) {
		t.Errorf("got %v, %v", again, err)
	}
}

func TestFullLogTakesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	o := open(t, dir, 0, Options{MaxBytes: 1})
	var err error
	for err == nil {
		_, err = o.Append(append(Frame(0), payload(o.Last()+1, 60_000)...))
	}
	if !errors.Is(err, ErrFull) || o.Last() != 4 {
		t.Errorf("after commit %d: got %v", o.Last(), err)
	}
	o.add(10) // there is room for a small one
	if err := o.Release(5); err != nil {
		t.Fatal(err)
	}
	o.add(60_000)
}

// A write that fails leaves open what became of it: nothing more is written before the log was
// opened again.
func TestA2_AFailedWriteEndsWriting(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	o := open(t, dir, 0, Options{})
	o.add(10)
	file := o.file
	var err error
	if o.file, err = os.Open(file.Name()); err != nil { // for reading alone
		t.Fatal(err)
	}
	if _, err := o.Append(append(Frame(0), "x"...)); err == nil || errors.Is(err, ErrFull) {
		t.Errorf("a write that fails: got %v", err)
	}
	if err := o.file.Close(); err != nil {
		t.Fatal(err)
	}
	o.file = file
	if _, err := o.Append(append(Frame(0), "x"...)); err == nil {
		t.Error("the next write was taken")
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir, 0, Options{}).holds(1, 1, 10)
}

func TestInPlace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	o := open(t, dir, 0, Options{})
	o.add(10)
	path := filepath.Join(dir, segmentFiles(t, dir)[0])
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if err := o.InPlace(); err == nil {
		t.Error("a segment that was removed is in its place")
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := o.InPlace(); err == nil {
		t.Error("a segment that was replaced is in its place")
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	if err := o.InPlace(); err != nil {
		t.Error(err)
	}
}

func TestForeignSegmentsAreRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	o := open(t, dir, 0, Options{})
	o.add(10)
	if _, err := Open(dir, "another owner", 0, Options{}, func(Commit) error { return nil }); !errors.Is(err, ErrForeign) {
		t.Errorf("got %v", err)
	}
}

func TestRemove(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	o := open(t, dir, 0, Options{})
	o.add(10)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Remove(dir); err != nil {
			t.Error(err)
		}
		if there, err := Exists(dir); there || err != nil {
			t.Errorf("it is there: %t, %v", there, err)
		}
	}
}

// FuzzRead gives Read a segment with some bytes changed, or any bytes: an error is fine, a
// panic or a commit that nobody wrote is not.
func FuzzRead(f *testing.F) {
	dir := filepath.Join(f.TempDir(), "log")
	o := open(f, dir, 0, Options{})
	for range 3 {
		o.add(20)
	}
	o.add(300)
	good, err := os.ReadFile(filepath.Join(dir, segmentFiles(f, dir)[0]))
	if err != nil {
		f.Fatal(err)
	}
	good = good[:o.end]
	f.Add([]byte(nil), []byte(nil), 0)
	f.Add([]byte(magic), []byte(nil), 0)
	f.Add([]byte(nil), []byte{1}, segmentHead)
	f.Add([]byte(nil), []byte{0, 0, 0, 0}, segmentHead+frameHead)
	f.Fuzz(func(t *testing.T, file, patch []byte, at int) {
		b := file
		if len(file) == 0 {
			b = bytes.Clone(good)
			if at >= 0 && at < len(b) {
				copy(b[at:], patch)
			}
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "1"+suffix), b, 0o600); err != nil {
			t.Fatal(err)
		}
		next := uint64(1)
		_ = Read(dir, owner, 0, 0, func(c Commit) error { // damage is an error, or told here
			if c.Sequence != next {
				t.Errorf("commit %d comes as the next after %d", c.Sequence, next-1)
			}
			next++
			if len(file) == 0 && len(patch) <= 4 && !c.Damaged && string(c.Payload) != payload(c.Sequence, 20) && string(c.Payload) != payload(4, 300) {
				t.Errorf("commit %d is %q", c.Sequence, c.Payload) // CRC-32C finds every change within 4 bytes
			}
			return nil
		})
	})
}

func BenchmarkAppend(b *testing.B) {
	o := open(b, filepath.Join(b.TempDir(), "log"), 0, Options{})
	data := bytes.Repeat([]byte("x"), 300)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := o.Append(append(Frame(len(data)), data...)); err != nil {
			b.Fatal(err)
		}
		if o.Releasable(o.Last()) > 2<<20 {
			if err := o.Release(o.Last()); err != nil {
				b.Fatal(err)
			}
		}
	}
}
