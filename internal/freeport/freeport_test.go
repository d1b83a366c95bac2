package freeport

import (
	"net"
	"testing"
)

func TestPortsBelongToOneTest(t *testing.T) {
	taken := map[int]bool{}
	for range 20 {
		for _, port := range Take(t, 9) {
			if taken[port] {
				t.Fatalf("port %d was given twice", port)
			}
			taken[port] = true
		}
	}
}

func TestPortsInUseAreLeftAlone(t *testing.T) {
	one := Take(t, 1)[0]
	var first int
	t.Run("another", func(t *testing.T) { first = Take(t, 1)[0] })
	ln, err := net.Listen("tcp", at(first)) // whose block is free again
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for _, port := range Take(t, size-2) {
		if port == first || port == one {
			t.Errorf("port %d is in use and was given", port)
		}
	}
}
