package wsconn

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// TestWorkers: jobs begin in order, one that waits keeps no other from beginning, and all
// workers go at the end.
func TestWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		var begun []int
		wait := make(map[int]chan struct{})
		w := newWorkers(&wg, func(n int) {
			mu.Lock()
			begun = append(begun, n)
			c := wait[n]
			mu.Unlock()
			if c != nil {
				<-c
			}
		})
		const n = 3 * keptLine
		for i := range n {
			if i%500 == 0 {
				wait[i] = make(chan struct{})
			}
		}
		for i := range n {
			w.give(i)
		}
		synctest.Wait()
		mu.Lock()
		if len(begun) != n {
			t.Fatalf("%d of %d jobs have begun", len(begun), n)
		}
		seen := make([]bool, n)
		for _, i := range begun {
			if seen[i] {
				t.Errorf("job %d was done twice", i)
			}
			seen[i] = true
		}
		mu.Unlock()
		for _, c := range wait {
			close(c)
		}
		synctest.Wait()
		w.mu.Lock()
		if w.idle > maxIdleWorkers || w.idle == 0 || w.coming != 0 {
			t.Errorf("%d workers wait and %d are on their way", w.idle, w.coming)
		}
		w.mu.Unlock()
		// Those that wait are used again, one for each job that waits.
		begun = nil
		for i := range 2 * maxIdleWorkers {
			wait[i] = make(chan struct{})
			w.give(i)
			synctest.Wait()
		}
		if len(begun) != 2*maxIdleWorkers {
			t.Errorf("%d of %d jobs have begun", len(begun), 2*maxIdleWorkers)
		}
		for i := range 2 * maxIdleWorkers {
			close(wait[i])
		}
		w.close()
		wg.Wait()
	})
}

// TestWorkers_InOrder: jobs begin in the order in which they came, each by another worker
// while those before it wait.
func TestWorkers_InOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var wg sync.WaitGroup
		var begun []int
		over := make(chan struct{})
		w := newWorkers(&wg, func(n int) {
			begun = append(begun, n)
			<-over
		})
		for i := range 10 {
			w.give(i)
			synctest.Wait()
		}
		for i, n := range begun {
			if i != n {
				t.Fatalf("begun in the order %v", begun)
			}
		}
		close(over)
		w.close()
		wg.Wait()
	})
}

// TestWorkers_AfterClose: what is given while the workers go away is done all the same.
func TestWorkers_AfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var wg sync.WaitGroup
		var done atomic.Int32
		w := newWorkers(&wg, func(int) { done.Add(1) })
		w.give(1)
		synctest.Wait() // it has an idle worker
		wg.Add(1)       // as who gives is counted
		w.close()
		synctest.Wait() // which has gone
		w.give(2)
		wg.Done()
		wg.Wait()
		if done.Load() != 2 {
			t.Errorf("%d of 2 jobs are done", done.Load())
		}
	})
}
