package giveway

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// onOnePlace runs a test where the runtime has one place for running goroutines.
func onOnePlace(t *testing.T) {
	before := runtime.GOMAXPROCS(1)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// Who waits for bytes hears of them before whoever gives way goes on. Runtime.Gosched does not
// do that: a hundred of them are over before the runtime asks its poller.
func TestToPoller_BytesThatHaveComeGoFirst(t *testing.T) {
	onOnePlace(t)
	if !Needed() {
		t.Fatal("it is not needed with one place")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var heard atomic.Int64
	var reader sync.WaitGroup
	reader.Go(func() {
		var b [1]byte
		for {
			if _, err := r.Read(b[:]); err != nil {
				return
			}
			heard.Add(1)
		}
	})
	for n := range int64(100) {
		if _, err := w.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		for range 100 { // it may be interrupted before it has counted
			if ToPoller(); heard.Load() > n {
				break
			}
		}
		if got := heard.Load(); got != n+1 {
			t.Fatalf("after byte %d, %d were heard", n+1, got)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	reader.Wait()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// Several may give way at once, and all go on.
func TestToPoller_AllGoOn(t *testing.T) {
	for _, places := range []int{1, 4} {
		before := runtime.GOMAXPROCS(places)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 500 {
					ToPoller()
				}
			})
		}
		all.Wait()
		runtime.GOMAXPROCS(before)
	}
}

func TestToPoller_AllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, ToPoller); n > 0 {
		t.Errorf("it allocates %g times", n)
	}
}

func BenchmarkToPoller(b *testing.B) {
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	for b.Loop() {
		ToPoller()
	}
}
