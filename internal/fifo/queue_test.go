package fifo

import (
	"math/rand/v2"
	"testing"
)

func TestQueueIsFirstInFirstOut(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var q Queue[int]
	in, out := 0, 0
	for range 5000 {
		if q.Len() == 0 || random.IntN(20) > 9 {
			in++
			q.Push(in)
			continue
		}
		out++
		if got := q.Pop(); got != out {
			t.Fatalf("got %d, want %d", got, out)
		}
	}
	if q.Len() != in-out {
		t.Errorf("%d are left, want %d", q.Len(), in-out)
	}
}

func TestQueue_LetsGoOfWhatWasTaken(t *testing.T) {
	var q Queue[*int]
	q.Push(new(int))
	q.Pop()
	for _, v := range q.ring {
		if v != nil {
			t.Error("it still holds what was taken")
		}
	}
}
