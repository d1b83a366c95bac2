package main

import (
	"bufio"
	bits "encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
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

// socket is a WebSocket as a program opens one, without any library.
type socket struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// connect opens a WebSocket with header lines.
func connect(t *testing.T, url string, lines ...string) *socket {
	t.Helper()
	host, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	head := append([]string{
		"GET /" + path + " HTTP/1.1", "Host: " + host, "Connection: Upgrade", "Upgrade: websocket",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
	}, lines...)
	fmt.Fprint(conn, strings.Join(head, "\r\n")+"\r\n\r\n")
	s := &socket{t: t, conn: conn, in: bufio.NewReader(conn)}
	res, err := http.ReadResponse(s.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the upgrade got %s", res.Status)
	}
	return s
}

// send writes a message of up to 64 KiB.
func (s *socket) send(format string, args ...any) {
	s.t.Helper()
	text := fmt.Sprintf(format, args...)
	frame := []byte{0x81, 0x80 | byte(len(text))}
	if len(text) > 125 {
		frame = bits.BigEndian.AppendUint16([]byte{0x81, 0x80 | 126}, uint16(len(text)))
	}
	frame = append(frame, 0, 0, 0, 0) // a mask that changes nothing
	if _, err := s.conn.Write(append(frame, text...)); err != nil {
		s.t.Fatal(err)
	}
}

// frame reads one frame.
func (s *socket) frame() (opcode byte, payload []byte) {
	s.t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(s.in, head[:]); err != nil {
		s.t.Fatal(err)
	}
	size := uint64(head[1])
	var err error
	switch size {
	case 126:
		var n [2]byte
		_, err = io.ReadFull(s.in, n[:])
		size = uint64(bits.BigEndian.Uint16(n[:]))
	case 127:
		var n [8]byte
		_, err = io.ReadFull(s.in, n[:])
		size = bits.BigEndian.Uint64(n[:])
	}
	if err != nil || size > 16<<20 {
		s.t.Fatalf("a frame of %d bytes: %v", size, err)
	}
	payload = make([]byte, size)
	if _, err := io.ReadFull(s.in, payload); err != nil {
		s.t.Fatal(err)
	}
	return head[0] & 0xf, payload
}

// next reads messages until one passes.
func (s *socket) next(what string, ok func(wire.ServerMessage) bool) wire.ServerMessage {
	s.t.Helper()
	for {
		opcode, payload := s.frame()
		if opcode != 1 {
			s.t.Fatalf("a frame of kind %d instead of %s: %q", opcode, what, payload)
		}
		m, err := wire.DecodeServer(payload)
		if err != nil {
			s.t.Fatal(err)
		}
		if ok(m) {
			return m
		}
	}
}

// welcomed waits for the CONNECT that answers the client's own and returns its user.
func (s *socket) welcomed() string {
	s.t.Helper()
	m := s.next("CONNECT", func(m wire.ServerMessage) bool { return m.Welcome != nil && m.CorrelationID == "hello" })
	if m.Welcome.AuthRequired {
		s.t.Error("signed in, and still asked for a token")
	}
	return m.Welcome.UserID
}

// closedWith waits for DISCONNECT and the close that follows, with the same code.
func (s *socket) closedWith(code int) {
	s.t.Helper()
	bye := s.next("DISCONNECT", func(m wire.ServerMessage) bool { return m.Goodbye != nil }).Goodbye
	if bye.Code != code || bye.Reconnect {
		s.t.Errorf("sent away with %+v, want %d", bye, code)
	}
	opcode, payload := s.frame()
	if opcode != 8 || len(payload) < 2 || int(bits.BigEndian.Uint16(payload)) != code {
		s.t.Errorf("closed by a frame of kind %d: %q", opcode, payload)
	}
}

// refused waits for the NACK of an op.
func (s *socket) refused(id, code string) {
	s.t.Helper()
	m := s.next("the answer to "+id, func(m wire.ServerMessage) bool { return m.CorrelationID == id })
	if m.Nack == nil || string(m.Nack.Err.Code) != code {
		s.t.Errorf("%s got %+v, want NACK %s", id, m, code)
	}
}

// accepted waits for the ACK of an op.
func (s *socket) accepted(id string) {
	s.t.Helper()
	if m := s.next("the answer to "+id, func(m wire.ServerMessage) bool { return m.CorrelationID == id }); m.Ack == nil {
		s.t.Errorf("%s got %+v, want ACK", id, m)
	}
}

const hello = `{"type":"CONNECT","id":"hello","payload":{"clientId":"tab"}}`

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

// TestC2_KeysOfAnIssuer: a JWKS by its address, and settings from a file.
func TestC2_KeysOfAnIssuer(t *testing.T) {
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"e","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)
	}))
	t.Cleanup(issuer.Close)
	dir := t.TempDir()
	must(t, dir, "token", "--new-secret", "--secret-file", "secret")
	write(t, filepath.Join(dir, "dashwire.yaml"), `
jwt-secret-file: [secret]
jwt-keys: [`+issuer.URL+`/jwks.json]
jwt-algorithm: [HS256, EdDSA]
jwt-issuer: https://id.example.com
jwt-audience: [dashwire]
jwt-claim: https://example.com/roles
jwt-user-claim: name
jwt-leeway: 5s
`)
	p := serve(t, dir, "--config", "dashwire.yaml", "--drain", "100ms")
	plain := p.token("--user", "ana", "--grant", "ops=viewer")
	if status, _ := p.call(plain, "GET", "/api/dashboards", ""); status != 401 {
		t.Errorf("without issuer and audience: %d", status)
	}
	cmd := command(t, dir, "token", "--secret-file", "secret", "--user", "ana", "--grant", "ops=owner", "--issuer", "https://id.example.com", "--audience", "dashwire,other")
	cmd.Env = append(cmd.Env, "DASHWIRE_JWT_USER_CLAIM=name", "DASHWIRE_JWT_CLAIM=https://example.com/roles")
	r := finish(t, cmd)
	if status, body := p.call(strings.TrimSpace(r.out), "PUT", "/api/dashboards/ops/widgets/cpu", `{"type":"text"}`); status != 200 {
		t.Errorf("%d %s %s", status, body, r.err)
	}
	p.stop()
}

// TestC2_SigningKeysSwitchSignInOn: a program with a key is somebody, others are nobody.
func TestC2_SigningKeysSwitchSignInOn(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "keys.yaml"), "keys:\n- {id: cron-1, algorithm: hmac-sha256, key: "+signingSecret+", user: cron, dashboards: {ops: feeder}}\n")
	p := serve(t, dir, "--signing-keys", "keys.yaml", "--drain", "100ms")
	p.wait(regexp.MustCompile(`^Sign-in is on: `))
	if status, body := p.call("", "GET", "/api/dashboards?userId=cron", ""); status != 401 || !strings.Contains(body, "sign the request") {
		t.Errorf("without a signature: %d %s", status, body)
	}
	key, err := httpsig.ParseKey("cron-1", httpsig.HMACSHA256, signingSecret)
	if err != nil {
		t.Fatal(err)
	}
	r := request(t, "GET", p.url+"/api/dashboards", "")
	r.Body, r.ContentLength = nil, 0
	if err := httpsig.Sign(r, key, httpsig.SignOptions{}); err != nil {
		t.Fatal(err)
	}
	// For some seconds after its start the server cannot know what it has seen before.
	if status, body := send(t, r); status != 200 && status != 503 {
		t.Errorf("signed: %d %s", status, body)
	}
	p.stop()
}

func TestToken_NewSecret(t *testing.T) {
	dir := t.TempDir()
	r := dash(t, dir, "token", "--new-secret", "--secret-file", "secret")
	if r.code != 0 || r.out != "" || !strings.Contains(r.err, "--jwt-secret-file secret") {
		t.Fatalf("%+v", r)
	}
	path := filepath.Join(dir, "secret")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v", info.Mode())
	}
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if r := dash(t, dir, "token", "--new-secret", "--secret-file", "secret", "--user", "ana"); r.code != 2 || !strings.Contains(r.err, "is there already") {
		t.Errorf("a second time: %+v", r)
	}
	if again, err := os.ReadFile(path); err != nil || string(again) != string(first) {
		t.Error("the secret has changed")
	}
	other := dash(t, dir, "token", "--new-secret", "--secret-file", "other", "--user", "ana", "--algorithm", "HS512")
	if other.code != 0 || strings.Count(other.out, ".") != 2 {
		t.Errorf("%+v", other)
	}
	if second, err := os.ReadFile(filepath.Join(dir, "other")); err != nil || string(second) == string(first) {
		t.Errorf("two secrets are the same (%v)", err)
	}
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

// TestC2_ASecretIsReplacedWhileTheServerRuns: by SIGHUP, and a bad one changes nothing.
func TestC2_ASecretIsReplacedWhileTheServerRuns(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, "token", "--new-secret", "--secret-file", "secret")
	p := serve(t, dir, "--jwt-secret-file", "secret", "--drain", "100ms")
	token := func() string {
		t.Helper()
		return strings.TrimSpace(must(t, dir, "token", "--secret-file", "secret", "--user", "ana", "--grant", "*=owner"))
	}
	status := func(token string) int {
		t.Helper()
		r := request(t, "GET", p.url+"/api/dashboards", "")
		r.Header.Set("Authorization", "Bearer "+token)
		got, _ := send(t, r)
		return got
	}
	before := token()
	if got := status(before); got != 200 {
		t.Fatalf("status %d", got)
	}
	if err := os.Remove(filepath.Join(dir, "secret")); err != nil {
		t.Fatal(err)
	}
	must(t, dir, "token", "--new-secret", "--secret-file", "secret")
	after := token()
	if got := status(after); got != 401 {
		t.Fatalf("status %d before it was read", got)
	}
	p.signal(syscall.SIGHUP)
	for deadline := time.Now().Add(patience); status(after) != 200; {
		if time.Now().After(deadline) {
			t.Fatalf("the new secret is not read\n%s", p.errs.String())
		}
	}
	if got := status(before); got != 401 {
		t.Errorf("status %d for a token of the old secret", got)
	}
	p.stop()
}
