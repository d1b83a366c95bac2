package httpsig

import (
	"crypto/sha256"
	"sync"
	"time"
)

// nonces remembers which nonces a key has used. It forgets one only when the signature
// that brought it has become too old to be taken, and rather takes no more than to
// forget earlier. Its methods may be called by any number of goroutines at once.
type nonces struct {
	limit int

	mu   sync.Mutex
	seen map[digest16]struct{}
	// made groups what is in seen by the second in which the signature was made.
	made map[int64][]digest16
	// from is the first second of which every nonce is known: those of signatures made
	// before have been forgotten, or were never seen.
	from int64
}

type digest16 [16]byte

func newNonces(limit int, from int64) *nonces {
	return &nonces{limit: limit, from: from, seen: make(map[digest16]struct{}), made: make(map[int64][]digest16)}
}

// take remembers a nonce of a signature made in second created, while those made
// before oldest are refused anyway. It gives the refusal if the nonce is not known to
// be new.
func (n *nonces) take(nonce string, created, oldest int64, now time.Time) *Error {
	sum := sha256.Sum256([]byte(nonce))
	key := digest16(sum[:16])
	n.mu.Lock()
	defer n.mu.Unlock()
	n.forgetLocked(oldest)
	if created < n.from {
		return refuse(Unknowable, "this server cannot know whether the signature has been used, since it began or set its clock only now: "+
			"sign again in %s", max(time.Second, time.Unix(n.from, 0).Sub(now).Round(time.Second)))
	}
	if _, ok := n.seen[key]; ok {
		return refuse(Replayed, "the nonce has been used: sign each request anew")
	}
	if len(n.seen) >= n.limit {
		return refuse(Unknowable, "this key has signed as many requests as the server can remember: sign again in a minute")
	}
	n.seen[key] = struct{}{}
	n.made[created] = append(n.made[created], key)
	return nil
}

// forgetLocked drops what no signature that is still taken could have brought.
func (n *nonces) forgetLocked(oldest int64) {
	if oldest <= n.from {
		return
	}
	n.from = oldest
	for second, keys := range n.made {
		if second < oldest {
			for _, key := range keys {
				delete(n.seen, key)
			}
			delete(n.made, second)
		}
	}
}
