package room

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// Pieces that come and go in any order, with others put before them, stay what they were, and
// what is dropped is let go of.
func TestSlabsKeepWhatIsNotDropped(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 5))
	type made struct {
		piece
		text string
	}
	var s slabs
	var all []made
	n := 0
	put := func(s *slabs) made {
		n++
		text := fmt.Sprint(n, strings.Repeat(".", random.IntN(900)))
		if random.IntN(200) == 0 {
			text += strings.Repeat("x", slabMax)
		}
		return made{s.keep(append(s.room(len(text)), text...)), text}
	}
	held := func() (bytes int) {
		for i := range s.list {
			bytes += cap(s.list[i].text)
		}
		return bytes
	}
	for range 30_000 {
		switch k := random.IntN(100); {
		case k == 0: // as entries are that are read for the tail
			var before slabs
			var list []made
			for range random.IntN(30) {
				list = append(list, put(&before))
			}
			shift := s.precede(before)
			for i := range list {
				list[i].slab += shift
			}
			all = append(list, all...)
		case k < 50:
			all = append(all, put(&s))
		case len(all) > 0:
			i := random.IntN(len(all))
			if random.IntN(2) == 0 {
				i = 0
			}
			s.drop(all[i].piece)
			all = append(all[:i], all[i+1:]...)
		}
		if len(all) > 0 {
			one := all[random.IntN(len(all))]
			if got := s.text(one.piece); string(got) != one.text || cap(got) != len(got) {
				t.Fatalf("got %.20q of %d bytes, want %.20q", got, len(got), one.text)
			}
		}
	}
	for _, one := range all {
		if !bytes.Equal(s.text(one.piece), []byte(one.text)) {
			t.Fatalf("got %.20q, want %.20q", s.text(one.piece), one.text)
		}
		s.drop(one.piece)
	}
	if held() > 2*slabMax || len(s.list) != 1 {
		t.Errorf("%d bytes in %d slabs are held of nothing", held(), len(s.list))
	}
	if p := s.keep(s.room(10)); p != (piece{}) || s.text(p) != nil {
		t.Errorf("nothing is the piece %v", p)
	}
}
