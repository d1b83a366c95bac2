package main

import "testing"

// hold keeps the compiler from leaving out what is allocated.
var hold []byte

func TestMemoryIsGivenBackOnceQuiet(t *testing.T) {
	g := &giver{allocated: memoryNow().allocated}
	for range 8 {
		hold = make([]byte, 16<<20)
		for i := 0; i < len(hold); i += 4096 {
			hold[i] = 1
		}
	}
	hold = nil
	before := memoryNow().taken
	if g.weigh() {
		t.Fatal("it collects although much was allocated a moment ago")
	}
	if !g.weigh() {
		t.Fatal("it does not collect although nothing happens")
	}
	if after := memoryNow().taken; after+16<<20 > before {
		t.Errorf("%d bytes were taken, now %d", before, after)
	}
	if g.weigh() {
		t.Error("it collects again for nothing")
	}
}
