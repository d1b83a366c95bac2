package main

import (
	"runtime"
	"testing"
)

func TestShareTheCore(t *testing.T) {
	t.Cleanup(runtime.SetDefaultGOMAXPROCS)
	for _, test := range []struct {
		name       string
		env        string
		places     int
		background bool
		want       int
	}{
		{name: "one core, threads wait", places: 1, want: 2},
		{name: "one core, none waits", places: 1, background: true, want: 1},
		{name: "set by hand", env: "1", places: 1, want: 1},
		{name: "several cores", places: 4, want: 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("GOMAXPROCS", test.env)
			runtime.GOMAXPROCS(test.places)
			shareTheCore(test.background)
			if n := runtime.GOMAXPROCS(0); n != test.want {
				t.Errorf("%d places, want %d", n, test.want)
			}
		})
	}
}
