package clock

import (
	"testing"
	"time"
)

func TestSeldom(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	s := &Seldom{Every: 10 * time.Second}
	for i, step := range []struct {
		after time.Duration
		more  int
		ok    bool
	}{
		{0, 0, true},
		{1 * time.Second, 0, false},
		{9 * time.Second, 0, false},
		{10 * time.Second, 2, true},
		{19 * time.Second, 0, false},
		{time.Hour, 1, true},
		{2 * time.Hour, 0, true},
	} {
		if more, ok := s.Now(noon.Add(step.after)); more != step.more || ok != step.ok {
			t.Errorf("step %d: got %d, %t, want %d, %t", i, more, ok, step.more, step.ok)
		}
	}
	if _, ok := new(Seldom).Now(noon); !ok {
		t.Error("the zero value holds back")
	}
}
