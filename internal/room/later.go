package room

import "time"

// laterSweep is a room or one subscriber that waits for its pace.
type laterSweep struct {
	at   time.Time
	room *Room
	sub  Subscriber
}

// later is a heap of what waits, the earliest first. It boxes nothing, since it is
// on the way of every paced write.
type later []laterSweep

func (l *later) push(v laterSweep) {
	h := append(*l, v)
	*l = h
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h[i].at.Before(h[parent].at) {
			return
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

// pop takes the earliest; there must be one.
func (l *later) pop() laterSweep {
	h := *l
	first, last := h[0], len(h)-1
	h[0] = h[last]
	h[last] = laterSweep{}
	h = h[:last]
	*l = h
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h); child++ {
			if h[child].at.Before(h[least].at) {
				least = child
			}
		}
		if least == i {
			return first
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}
