package journal

import (
	"slices"
	"testing"
)

func TestA5_SpareSnapshots(t *testing.T) {
	for _, c := range []struct {
		name       string
		all, spare []Position
	}{
		{"none", nil, nil},
		{"one", []Position{700}, nil},
		{"the older of a span", []Position{100, 700}, []Position{100}},
		{"one in each span", []Position{999, 1000, 2500}, nil},
		{"several in a span", []Position{999, 1000, 1300, 1999, 2500}, []Position{1000, 1300}},
		{"as many as are near", []Position{900, 1900, 2900, 3900, 20_999}, nil},
		{"the first of all stays", []Position{900, 1900, 2900, 3900, 23_000}, []Position{1900}},
		{"wide spans", []Position{900, 9000, 9999, 10_000, 19_000, 29_000, 31_000, 52_100, 52_400}, []Position{9000, 10_000, 52_100}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := SpareSnapshots(c.all); !slices.Equal(got, c.spare) {
				t.Errorf("got %v, want %v", got, c.spare)
			}
		})
	}
}

// However long a log gets, there are as many snapshots as spans.
func TestA5_SnapshotsStayFew(t *testing.T) {
	var kept []Position
	for p := Position(SnapshotSpacing); p <= 1000*SnapshotSpacing; p += SnapshotSpacing {
		kept = append(kept, p)
		spare := SpareSnapshots(kept)
		if len(spare) > 1 {
			t.Fatalf("at %d as many as %v go at once", p, spare)
		}
		kept = slices.DeleteFunc(kept, func(p Position) bool { return slices.Contains(spare, p) })
	}
	if far := 1000 * SnapshotSpacing / SnapshotSpacingFar; len(kept) > far+SnapshotsNear+2 {
		t.Errorf("%d snapshots are kept: %v", len(kept), kept)
	}
}
