package audit

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dashwire/dashwire/observe"
)

// maxKinds is how many kinds of refused sign-ins are told apart in one stretch of time.
const maxKinds = 20

// refusals counts refused sign-ins of one stretch of time. It is guarded by Log.mu.
type refusals struct {
	since time.Time
	kinds map[string]*observe.Action // Count is of those not yet written
	more  observe.Action             // of kinds beyond maxKinds
}

// add counts an action and reports whether it is the first of its kind, to be written
// by itself.
func (r *refusals) add(a observe.Action) bool {
	if r.kinds == nil {
		r.since, r.kinds = a.Time, make(map[string]*observe.Action)
	}
	key := kindOf(a)
	if k := r.kinds[key]; k != nil {
		k.Count++
		return false
	}
	if len(r.kinds) == maxKinds {
		r.more.Name = a.Name
		r.more.Count++
		return false
	}
	a.Count = 0
	r.kinds[key] = &a
	return true
}

func kindOf(a observe.Action) string {
	key := []string{a.Name, a.UserID, a.RemoteAddr}
	for _, name := range slices.Sorted(maps.Keys(a.Details)) {
		key = append(key, name, a.Details[name])
	}
	return strings.Join(key, "\x00")
}

// due reports whether the stretch is over.
func (r *refusals) due(now time.Time, stretch time.Duration) bool {
	return r.kinds != nil && (now.Sub(r.since) >= stretch || now.Before(r.since))
}

// take ends the stretch and gives what is left to write of it.
func (r *refusals) take(now time.Time) []observe.Action {
	var list []observe.Action
	add := func(a observe.Action, more string) {
		if a.Count == 0 {
			return
		}
		a.Time, a.Details = now, maps.Clone(a.Details)
		if a.Details == nil {
			a.Details = make(map[string]string)
		}
		a.Details["since"] = r.since.UTC().Format(timeLayout)
		if more != "" {
			a.Details["of"] = more
		}
		list = append(list, a)
	}
	for _, key := range slices.Sorted(maps.Keys(r.kinds)) {
		add(*r.kinds[key], "")
	}
	add(r.more, "other addresses, users or reasons")
	*r = refusals{}
	return list
}
