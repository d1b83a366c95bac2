package auth_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/dashwire/dashwire/auth"
)

// TestP1_ReachPassesNobodyBy: going on from where Reach says, one finds what going through
// all ids finds, and looks at little else.
func TestP1_ReachPassesNobodyBy(t *testing.T) {
	text := rapid.StringMatching(`[a.z0]{0,3}`)
	rapid.Check(t, func(t *rapid.T) {
		var p auth.Principal
		for _, pattern := range rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
			return text.Draw(t, "start") + rapid.SampledFrom([]string{"", "*"}).Draw(t, "star")
		}), 0, 4).Draw(t, "patterns") {
			p.Grants = append(p.Grants, auth.Grant{Pattern: pattern, Role: rapid.SampledFrom([]auth.Role{auth.None, auth.Viewer, auth.Owner}).Draw(t, "role")})
		}
		ids := rapid.SliceOfN(rapid.StringMatching(`[a.z0]{1,5}`), 0, 40).Draw(t, "ids")
		slices.Sort(ids)
		ids = slices.Compact(ids)
		var want, got []string
		for _, id := range ids {
			if p.RoleOn(id) > auth.None {
				want = append(want, id)
			}
		}
		after, others := "", 0
		for {
			from, one, ok := p.Reach(after)
			if !ok {
				break
			}
			if from < after {
				t.Fatalf("after %q one is sent back to %q", after, from)
			}
			i, found := slices.BinarySearch(ids, from)
			if found {
				i++
			}
			if i == len(ids) {
				break
			}
			chunk := ids[i:min(i+3, len(ids))]
			if one {
				chunk = chunk[:1]
			}
			for _, id := range chunk {
				if p.RoleOn(id) > auth.None {
					got = append(got, id)
				} else {
					others++
				}
			}
			after = chunk[len(chunk)-1]
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%+v of %q: got %q, want %q", p.Grants, ids, got, want)
		}
		if most := 3 * (len(p.Grants) + 1); others > most {
			t.Fatalf("%+v of %q: looked at %d others", p.Grants, ids, others)
		}
	})
}
