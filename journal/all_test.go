package journal_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/memjournal"
)

func TestAllGoesThroughEveryPage(t *testing.T) {
	j := memjournal.New(memjournal.Options{})
	const n = 450
	for i := range n {
		a := journal.Append{DashboardID: fmt.Sprintf("d-%04d", i), Records: [][]byte{[]byte("r")}, Summary: []byte("{}")}
		if _, err := j.Append(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	i := 0
	for info, err := range journal.All(t.Context(), j) {
		if want := fmt.Sprintf("d-%04d", i); err != nil || info.DashboardID != want {
			t.Fatalf("got %q, %v, want %q", info.DashboardID, err, want)
		}
		i++
	}
	if i != n {
		t.Errorf("%d dashboards of %d", i, n)
	}
	for range journal.All(t.Context(), j) {
		break
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	var errs []error
	for _, err := range journal.All(ended, j) {
		errs = append(errs, err)
	}
	if len(errs) != 1 || !errors.Is(errs[0], context.Canceled) {
		t.Errorf("after its context has ended: %v", errs)
	}
}
