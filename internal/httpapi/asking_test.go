package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth"
)

// far is an Authenticator and a Watcher that asks another program about users, or about
// the rights on a dashboard, which answers once it may.
type far struct {
	auth.Grants
	users     bool
	dashboard string
	asked     chan struct{} // gets one for each question
	may       chan struct{}
}

func (f *far) ask(ctx context.Context) {
	defer auth.Waiting(ctx)()
	select {
	case f.asked <- struct{}{}:
		<-f.may
	case <-f.may:
	}
}

func (f *far) Authenticate(ctx context.Context, c auth.Credentials) (auth.Principal, error) {
	if f.users {
		f.ask(ctx)
	}
	return auth.Principal{UserID: c.Token, Grants: []auth.Grant{{Pattern: "*", Role: auth.Owner}}}, nil
}

func (f *far) Role(ctx context.Context, p auth.Principal, dashboardID string) (auth.Role, error) {
	if dashboardID == f.dashboard {
		f.ask(ctx)
	}
	return f.Grants.Role(ctx, p, dashboardID)
}

func (f *far) Watch(auth.Principal, string, func()) (stop func()) { return func() {} }
func (f *far) Forget(string)                                      {}

// TestC8_AskingLeavesThePlace: however many requests wait for who knows users and rights,
// they do not keep each other from asking.
func TestC8_AskingLeavesThePlace(t *testing.T) {
	const crowd = 120
	for _, tc := range []struct {
		name                 string
		far                  far
		method, target, body string
	}{
		{"who it is", far{users: true}, "GET", "/api/dashboards", ""},
		{"the right to read", far{dashboard: "ops"}, "GET", "/api/dashboards/ops", ""},
		{"the right to write", far{dashboard: "ops"}, "PUT", "/api/dashboards/ops/widgets/w", `{"title":"x"}`},
		{"the right to follow", far{dashboard: "ops"}, "GET", "/api/realtime/events?dashboardId=ops", ""},
		{"the right to follow another", far{dashboard: "ops"}, "GET", "/api/realtime/events?dashboardId=known&dashboardId=ops", ""},
		{"a list", far{dashboard: "ops"}, "GET", "/api/dashboards", ""},
	} {
		t.Run("C8 "+tc.name, func(t *testing.T) {
			f := tc.far
			f.asked, f.may = make(chan struct{}), make(chan struct{})
			known := far{asked: f.asked, may: f.may}
			door := &switched{far: &known}
			n := start(t, func(c *Config) {
				oneTurn(c)
				c.Authenticator, c.Authorizer = door, door
			})
			n.do("PUT", "/api/dashboards/ops/widgets/w", `{"title":"x"}`, as("ana")).want(http.StatusOK)
			n.do("PUT", "/api/dashboards/known/widgets/w", `{"title":"x"}`, as("ana")).want(http.StatusOK)
			door.far = &f

			all := n.together(crowd, func(i int) *http.Request {
				return n.request(tc.method, tc.target, tc.body, as(fmt.Sprintf("user-%d", i)))
			})
			late, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			for i := 0; i < crowd && late.Err() == nil; i++ {
				select {
				case <-f.asked:
				case <-late.Done():
					t.Errorf("%d wait for an answer at once, want %d", i, crowd)
				}
			}
			close(f.may)
			all.Wait()
		})
	}
}

// switched is a far that can be exchanged for another while nobody asks.
type switched struct{ *far }
