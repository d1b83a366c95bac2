package observe_test

import (
	"reflect"
	"testing"

	"github.com/dashwire/dashwire/observe"
)

// recorder gives hooks that write down which of them was called.
func recorder(who string, calls *[]string) observe.Hooks {
	var h observe.Hooks
	v := reflect.ValueOf(&h).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		v.Field(i).Set(reflect.MakeFunc(v.Field(i).Type(), func([]reflect.Value) []reflect.Value {
			*calls = append(*calls, who+" "+name)
			return nil
		}))
	}
	return h
}

// call calls every hook that is set, with zero arguments.
func call(h observe.Hooks) {
	v := reflect.ValueOf(h)
	for i := range v.NumField() {
		f := v.Field(i)
		if f.IsNil() {
			continue
		}
		args := make([]reflect.Value, f.Type().NumIn())
		for j := range args {
			args[j] = reflect.Zero(f.Type().In(j))
		}
		f.Call(args)
	}
}

// TestJoin goes by reflection over all hooks, so that a new one is not forgotten.
func TestJoin(t *testing.T) {
	var names []string
	for i := range reflect.TypeFor[observe.Hooks]().NumField() {
		names = append(names, reflect.TypeFor[observe.Hooks]().Field(i).Name)
	}
	expect := func(who ...string) []string {
		var all []string
		for _, name := range names {
			for _, w := range who {
				all = append(all, w+" "+name)
			}
		}
		return all
	}
	for _, c := range []struct {
		name string
		a, b bool
		want []string
	}{
		{"neither", false, false, expect()},
		{"the first alone", true, false, expect("a")},
		{"the second alone", false, true, expect("b")},
		{"both, in order", true, true, expect("a", "b")},
	} {
		t.Run(c.name, func(t *testing.T) {
			var calls []string
			var a, b observe.Hooks
			if c.a {
				a = recorder("a", &calls)
			}
			if c.b {
				b = recorder("b", &calls)
			}
			call(observe.Join(a, b))
			if !reflect.DeepEqual(calls, c.want) {
				t.Errorf("called %q, want %q", calls, c.want)
			}
		})
	}
}
