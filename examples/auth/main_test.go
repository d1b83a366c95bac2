package main

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dashwire/dashwire/client"
)

// request sends a request as a program does, or as a browser with a cookie.
func request(t *testing.T, method, url, body string, header ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res
}

func TestAuth(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, ln, filepath.Join(t.TempDir(), "auth.db"), "ana:secret:editor,bo:hidden:viewer")
	}()
	base := "http://" + ln.Addr().String()

	login := func(user, password string) (int, string) {
		form := url.Values{"user": {user}, "password": {password}}
		res := request(t, "POST", base+"/login", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
		for _, c := range res.Cookies() {
			if c.Name == cookie && c.HttpOnly && c.SameSite == http.SameSiteLaxMode {
				return res.StatusCode, c.Value
			}
		}
		return res.StatusCode, ""
	}
	for _, c := range []struct {
		name, user, password string
		want                 int
	}{
		{"wrong password", "ana", "hidden", 401},
		{"unknown user", "eve", "", 401},
		{"right", "ana", "secret", 204},
	} {
		if status, token := login(c.user, c.password); status != c.want || (token != "") != (status == 204) {
			t.Errorf("%s: %d, token %q", c.name, status, token)
		}
	}
	_, ana := login("ana", "secret")
	_, bo := login("bo", "hidden")

	const widget = `{"type":"text"}`
	for _, c := range []struct {
		name, method, path, token string
		want                      int
	}{
		{"C2: nobody", "GET", "/api/dashboards", "", 401},
		{"C2: a made-up token", "GET", "/api/dashboards", "x", 401},
		{"P1: an editor creates", "PUT", "/api/dashboards/team-ops/widgets/a", ana, 200},
		{"P1: a viewer reads", "GET", "/api/dashboards/team-ops", bo, 200},
		{"P1: a viewer does not write", "PUT", "/api/dashboards/team-ops/widgets/b", bo, 403},
		{"P1: an editor does not delete", "DELETE", "/api/dashboards/team-ops", ana, 403},
		{"one's own", "PUT", "/api/dashboards/bo:notes/widgets/a", bo, 200},
		{"R6: another's own looks as if it were not there", "GET", "/api/dashboards/bo:notes", ana, 404},
		{"one's own deleted", "DELETE", "/api/dashboards/bo:notes", bo, 200},
		{"R6: anything else", "GET", "/api/dashboards/other", ana, 404},
	} {
		body := ""
		if c.method == "PUT" {
			body = widget
		}
		header := []string{"Content-Type", "application/json"}
		if c.token != "" {
			header = append(header, "Authorization", "Bearer "+c.token)
		}
		if res := request(t, c.method, base+c.path, body, header...); res.StatusCode != c.want {
			t.Errorf("%s: %s, want %d", c.name, res.Status, c.want)
		}
	}

	// A browser signs in by its cookie, from pages of the server's own origin.
	if res := request(t, "GET", base+"/api/dashboards/team-ops", "", "Cookie", cookie+"="+ana); res.StatusCode != 200 {
		t.Errorf("by cookie: %s", res.Status)
	}
	for origin, want := range map[string]int{base: 200, "https://evil.example": 403} {
		res := request(t, "PUT", base+"/api/dashboards/team-ops/widgets/a", `{"type":"gauge"}`,
			"Cookie", cookie+"="+ana, "Origin", origin, "Content-Type", "application/json")
		if res.StatusCode != want {
			t.Errorf("H6: from %s: %s, want %d", origin, res.Status, want)
		}
	}
	form := url.Values{"user": {"ana"}, "password": {"secret"}}
	if res := request(t, "POST", base+"/login", form.Encode(), "Sec-Fetch-Site", "cross-site",
		"Content-Type", "application/x-www-form-urlencoded"); res.StatusCode != 403 {
		t.Errorf("signing in from another site: %s", res.Status)
	}

	// A program signs in by token on a WebSocket.
	c, err := client.Dial(t.Context(), client.Options{URL: base, Token: bo})
	if err != nil {
		t.Fatal(err)
	}
	if c.UserID() != "bo" {
		t.Errorf("signed in as %q", c.UserID())
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestParseUsers(t *testing.T) {
	for list, ok := range map[string]bool{
		"ana:secret:editor": true, "ana:secret:editor,bo:x:viewer": true,
		"": false, "ana": false, "ana:secret": false, ":secret:editor": false, "ana::editor": false, "ana:secret:king": false,
	} {
		if _, err := parseUsers(list); (err == nil) != ok {
			t.Errorf("%q: %v", list, err)
		}
	}
}
