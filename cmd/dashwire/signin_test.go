package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/auth/httpsig"
	"github.com/dashwire/dashwire/auth/jwtauth"
	"github.com/dashwire/dashwire/internal/wire"
)

// withSecret makes a secret and starts a server with it.
func withSecret(t *testing.T, args ...string) *process {
	t.Helper()
	dir := t.TempDir()
	must(t, dir, "token", "--new-secret", "--secret-file", "secret")
	return serve(t, dir, append([]string{"--jwt-secret-file", "secret", "--drain", "100ms"}, args...)...)
}

// token mints one with the command.
func (p *process) token(args ...string) string {
	p.t.Helper()
	return strings.TrimSpace(must(p.t, p.cmd.Dir, append([]string{"token", "--secret-file", "secret"}, args...)...))
}

// call makes a request with a token and returns status and body.
func (p *process) call(token, method, path, body string) (int, string) {
	p.t.Helper()
	r := request(p.t, method, p.url+path, body)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	status, answer := send(p.t, r)
	return status, string(answer)
}

func TestC2_EveryWayToSignIn(t *testing.T) {
	p := withSecret(t, "--auth-cookie", "session")
	p.wait(regexp.MustCompile(`^Sign-in is on: `))
	token := p.token("--user", "ana", "--grant", "ops=editor")
	for _, c := range []struct {
		name  string
		lines []string
		hello string
	}{
		{"C2 header", []string{"Authorization: Bearer " + token}, hello},
		{"C2 subprotocol", []string{"Sec-WebSocket-Protocol: dashwire.v1, bearer." + token}, hello},
		{"C2 cookie", []string{"Cookie: session=" + token, "Origin: " + p.url}, hello},
		{"C2 CONNECT", nil, strings.Replace(hello, `"clientId"`, `"token":"`+token+`","clientId"`, 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := connect(t, p.url+"/api/realtime?userId=root", c.lines...)
			s.send("%s", c.hello)
			if user := s.welcomed(); user != "ana" {
				t.Errorf("signed in as %q", user)
			}
			widget := strings.Fields(c.name)[1]
			s.send(`{"type":"WIDGET_UPDATE","id":"make-%s","payload":{"dashboardId":"ops","widgetId":"%[1]s","create":true,"set":{"/type":"text"}}}`, widget)
			s.accepted("make-" + widget)
		})
	}
	for _, c := range []struct {
		name  string
		lines []string
		hello string
	}{
		{"C2 wrong token in the header", []string{"Authorization: Bearer " + token + "x"}, hello},
		{"C2 wrong token in CONNECT", nil, `{"type":"CONNECT","id":"hello","payload":{"token":"guess"}}`},
		{"C2 token in the URL", nil, hello},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := p.url + "/api/realtime"
			if strings.Contains(c.name, "URL") {
				url += "?token=" + token
			}
			s := connect(t, url, c.lines...)
			if c.lines == nil && !strings.Contains(c.name, "URL") {
				s.send("%s", c.hello)
			}
			s.closedWith(4401)
		})
	}
	t.Run("C2 nothing before sign-in", func(t *testing.T) {
		s := connect(t, p.url+"/api/realtime?userId=root")
		s.send(`{"type":"SYNC_REQUEST","id":"r","payload":{"dashboardId":"ops"}}`)
		s.refused("r", "UNAUTHENTICATED")
		if status, _ := p.call("", "GET", "/api/dashboards?userId=root", ""); status != 401 {
			t.Errorf("over REST: %d", status)
		}
	})
	p.stop()
	if strings.Contains(p.errs.String(), token) {
		t.Errorf("the log has a token: %s", p.errs.String())
	}
	if !strings.Contains(p.errs.String(), "a token was refused") {
		t.Errorf("the log does not tell of refused tokens: %s", p.errs.String())
	}
}

func TestP1_RolesOfTokens(t *testing.T) {
	p := withSecret(t)
	editor := p.token("--user", "ana", "--grant", "ops=editor")
	viewer := p.token("--user", "bo", "--grant", "o*=viewer")
	admin := p.token("--user", "op", "--admin")
	if status, body := p.call(editor, "PUT", "/api/dashboards/ops/widgets/cpu", `{"type":"gauge"}`); status != 200 {
		t.Fatalf("an editor got %d %s", status, body)
	}

	s := connect(t, p.url+"/api/realtime", "Authorization: Bearer "+viewer)
	s.send("%s", hello)
	s.welcomed()
	s.send(`{"type":"SYNC_REQUEST","id":"r","payload":{"dashboardId":"ops"}}`)
	if m := s.next("a snapshot", isSync); m.Sync.Role != "viewer" {
		t.Errorf("the role is %q", m.Sync.Role)
	}
	s.send(`{"type":"WIDGET_UPDATE","id":"op","payload":{"dashboardId":"ops","widgetId":"cpu","set":{"/title":"mine"}}}`)
	s.refused("op", "FORBIDDEN")
	s.send(`{"type":"SYNC_REQUEST","id":"other","payload":{"dashboardId":"team"}}`)
	s.refused("other", "NOT_FOUND")

	for _, c := range []struct {
		name, token, method, path, body string
		status                          int
	}{
		{"P1 a viewer edits over REST", viewer, "PUT", "/api/dashboards/ops/widgets/cpu", `{"type":"text"}`, 403},
		{"P1 a viewer reads", viewer, "GET", "/api/dashboards/ops", "", 200},
		{"P1 an editor deletes the dashboard", editor, "DELETE", "/api/dashboards/ops", "", 403},
		{"P1 an editor elsewhere", editor, "GET", "/api/dashboards/team", "", 404},
		{"H4 an editor asks for statistics", editor, "GET", "/api/stats", "", 403},
		{"H4 an editor revokes", editor, "POST", "/api/admin/revoke", `{"userId":"bo"}`, 403},
		{"H4 an administrator asks for statistics", admin, "GET", "/api/stats", "", 200},
		{"P1 an administrator without a role reads", admin, "GET", "/api/dashboards/ops", "", 404},
		{"C2 nobody", "", "GET", "/api/dashboards/ops", "", 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			if status, body := p.call(c.token, c.method, c.path, c.body); status != c.status {
				t.Errorf("%d, want %d: %s", status, c.status, body)
			}
		})
	}
	p.stop()
}

// mint makes a token that the command would not make.
func (p *process) mint(as auth.Principal) string {
	p.t.Helper()
	secret, err := jwtauth.ReadSecret(filepath.Join(p.cmd.Dir, "secret"))
	if err != nil {
		p.t.Fatal(err)
	}
	token, err := jwtauth.Mint{Secret: secret}.Token(as)
	if err != nil {
		p.t.Fatal(err)
	}
	return token
}

// TestC3_TheEndOfATokenClosesItsSession, 25 s after it and not before. The token is one that
// ended 15 s ago by a clock that is within the leeway.
func TestC3_TheEndOfATokenClosesItsSession(t *testing.T) {
	p := withSecret(t)
	ends := time.Now().Add(-15 * time.Second)
	token := p.mint(auth.Principal{UserID: "ana", Grants: []auth.Grant{{Pattern: "*", Role: auth.Editor}}, Expires: ends})
	s := connect(t, p.url+"/api/realtime", "Authorization: Bearer "+token)
	s.next("a wish for another token", func(m wire.ServerMessage) bool { return m.Welcome != nil && m.Welcome.AuthRequired })
	s.send(`{"type":"WIDGET_UPDATE","id":"op","payload":{"dashboardId":"ops","widgetId":"cpu","create":true}}`)
	s.refused("op", "UNAUTHENTICATED")
	s.closedWith(4401)
	if late := time.Since(ends); late < 24*time.Second {
		t.Errorf("closed %s after the end", late)
	}
	p.stop()
}

func TestC3_RevokingClosesSessions(t *testing.T) {
	p := withSecret(t)
	admin := p.token("--user", "op", "--admin")
	grants := []auth.Grant{{Pattern: "ops", Role: auth.Editor}}
	before, ends := time.Now().Add(-time.Minute), time.Now().Add(time.Hour)
	open := func(token string) *socket {
		t.Helper()
		s := connect(t, p.url+"/api/realtime", "Authorization: Bearer "+token)
		s.send(`{"type":"CONNECT","id":"hello","payload":{}}`)
		s.welcomed()
		return s
	}
	one := p.mint(auth.Principal{UserID: "ana", Grants: grants, Expires: ends, IssuedAt: before, TokenID: "t-1"})
	two := p.mint(auth.Principal{UserID: "ana", Grants: grants, Expires: ends, IssuedAt: before, TokenID: "t-2"})
	bo := p.token("--user", "bo", "--grant", "ops=editor")
	first, second, other := open(one), open(two), open(bo)

	taken := func(body string, s *socket) {
		t.Helper()
		if status, answer := p.call(admin, "POST", "/api/admin/revoke", body); status != 200 || answer != `{"sessions":1}` {
			t.Fatalf("revoking: %d %s", status, answer)
		}
		s.closedWith(4401) // long before the token ends, in an hour
	}
	taken(`{"jti":"t-1"}`, first)
	if status, _ := p.call(one, "GET", "/api/dashboards", ""); status != 401 {
		t.Errorf("with the token that was revoked: %d", status)
	}
	if status, _ := p.call(two, "GET", "/api/dashboards", ""); status != 200 {
		t.Errorf("with another token of the same user: %d", status)
	}
	taken(`{"userId":"ana"}`, second)
	connect(t, p.url+"/api/realtime", "Authorization: Bearer "+two).closedWith(4401)
	// A second later somebody has a new one.
	later := p.mint(auth.Principal{UserID: "ana", Grants: grants, Expires: ends, IssuedAt: time.Now().Add(2 * time.Second)})
	open(later)
	other.send(`{"type":"WIDGET_UPDATE","id":"op","payload":{"dashboardId":"ops","widgetId":"cpu","create":true,"set":{"/type":"text"}}}`)
	other.accepted("op")
	p.stop()
}

// TestC3_WhatIsRevokedStaysSo over a kill without warning, and over a start that adds keys.
func TestC3_WhatIsRevokedStaysSo(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, "token", "--new-secret", "--secret-file", "secret")
	keys := "keys:\n- {id: cron, algorithm: hmac-sha256, key: " + signingSecret + ", user: cron, dashboards: {ops: editor}}\n"
	write(t, filepath.Join(dir, "keys.yaml"), keys)
	args := []string{"--jwt-secret-file", "secret", "--drain", "100ms", "--signing-keys", "keys.yaml"}
	p := serve(t, dir, args...)
	admin := p.token("--user", "op", "--admin")
	mint := func(user, id string, issued time.Time) string {
		t.Helper()
		return p.mint(auth.Principal{
			UserID: user, Grants: []auth.Grant{{Pattern: "ops", Role: auth.Editor}}, TokenID: id,
			Expires: time.Now().Add(time.Hour), IssuedAt: issued,
		})
	}
	before := time.Now().Add(-time.Minute)
	one, two, bo := mint("ana", "t-1", before), mint("ana", "t-2", before), mint("bo", "t-3", before)
	for _, body := range []string{`{"jti":"t-1"}`, `{"userId":"bo"}`, `{"userId":"cron"}`} {
		if status, answer := p.call(admin, "POST", "/api/admin/revoke", body); status != 200 {
			t.Fatalf("revoking: %d %s", status, answer)
		}
	}
	p.signal(syscall.SIGKILL)
	p.end()

	write(t, filepath.Join(dir, "keys.yaml"), strings.ReplaceAll(keys, "id: cron", "id: renamed")+
		"- {id: new, algorithm: hmac-sha256, key: "+strings.Repeat("QUJD", 12)+", user: cron, dashboards: {ops: editor}}\n")
	p = serve(t, dir, args...)
	for _, c := range []struct {
		name, token string
		want        int
	}{
		{"a token", one, 401},
		{"another of its user", two, 200},
		{"one of a user", bo, 401},
		{"a later one of that user", mint("bo", "t-4", time.Now().Add(2*time.Second)), 200},
	} {
		if status, body := p.call(c.token, "GET", "/api/dashboards", ""); status != c.want {
			t.Errorf("%s: %d, want %d: %s", c.name, status, c.want, body)
		}
	}
	for id, want := range map[string]int{"renamed": 401, "new": 200} {
		secret := map[string]string{"renamed": signingSecret, "new": strings.Repeat("QUJD", 12)}[id]
		key, err := httpsig.ParseKey(id, httpsig.HMACSHA256, secret)
		if err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(patience); ; { // at first it asks to wait
			r := request(t, "GET", p.url+"/api/dashboards", "")
			if err := httpsig.Sign(r, key, httpsig.SignOptions{Created: time.Now().Add(5 * time.Second)}); err != nil {
				t.Fatal(err)
			}
			status, body := send(t, r)
			if status == 503 && time.Now().Before(deadline) {
				continue
			}
			if status != want {
				t.Errorf("the key %s: %d, want %d: %s", id, status, want, body)
			}
			break
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "dashwire.db-revoked")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	p.stop()
}

// TestC1_WithSignInAServerIsForOthersToo: no demo, any Host, any address, no ?userId=.
func TestC1_WithSignInAServerIsForOthersToo(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, "token", "--new-secret", "--secret-file", "secret")
	cmd := command(t, dir, "serve", "--listen", "0.0.0.0:0", "--drain", "100ms")
	cmd.Env = append(cmd.Env, "DASHWIRE_JWT_SECRET_FILE=secret")
	p := start(t, cmd)
	p.url = p.wait(readyLine)[1]
	r := request(t, "GET", p.url+"/api/dashboards", "")
	r.Host = "dash.example.com"
	r.Header.Set("X-Forwarded-For", "192.0.2.7")
	r.Header.Set("Authorization", "Bearer "+p.token("--user", "ana", "--grant", "*=owner"))
	if status, body := send(t, r); status != 200 || !strings.Contains(string(body), `"dashboards":[]`) {
		t.Errorf("%d %s", status, body)
	}
	p.stop()
}

// signInExample is the worked example of docs/operations.md.
var signInExample = regexp.MustCompile("(?s)## Sign-in\n.*?```sh\n(.*?)```")

// TestTheSignInExample runs what docs/operations.md shows, on another port.
func TestTheSignInExample(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	m := signInExample.FindStringSubmatch(string(text))
	if m == nil {
		t.Fatal("docs/operations.md has no example under Sign-in")
	}
	dir := t.TempDir()
	var script strings.Builder
	var server *process
	for line := range strings.Lines(m[1]) {
		args := strings.Fields(line)
		switch {
		case len(args) == 0:
		case args[len(args)-1] == "&":
			server = serve(t, dir, args[2:len(args)-1]...)
		case server == nil:
			must(t, dir, args[1:]...)
		default:
			script.WriteString(strings.ReplaceAll(line, "http://localhost:3000", server.url))
		}
	}
	if server == nil || !strings.Contains(script.String(), server.url) {
		t.Fatalf("the example starts no server, or does not ask it:\n%s", m[1])
	}
	sh := command(t, dir, "")
	sh.Path, sh.Args = "/bin/sh", []string{"sh", "-e", "-u", "-c", script.String()}
	sh.Env = append(sh.Env, "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"))
	r := finish(t, sh)
	if r.code != 0 {
		t.Fatalf("exit code %d\n%s%s", r.code, r.out, r.err)
	}
	for _, want := range []string{`"user":"ana"`, `"status":"applied"`, `"code":"FORBIDDEN"`, `{"sessions":0}`, `"code":"UNAUTHENTICATED"`} {
		if !strings.Contains(r.out, want) {
			t.Errorf("no %s in\n%s", want, r.out)
		}
	}
	server.stop()
}
