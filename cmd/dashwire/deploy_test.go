package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/dashwire/dashwire/client"
	"github.com/dashwire/dashwire/internal/freeport"
	"github.com/dashwire/dashwire/internal/natstest"
)

// deploy is where the files stand that operators start from.
const deploy = "../../deploy"

// TestDeploy_NATS: NATS reads each of the configurations, and what they say keeps what
// was acknowledged.
func TestDeploy_NATS(t *testing.T) {
	t.Setenv("NAME", "nats-1")
	t.Setenv("NATS_PASSWORD", "secret")
	files, err := filepath.Glob(deploy + "/*/nats.conf")
	if err != nil || len(files) != 3 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, file := range files {
		o, err := server.ProcessConfigFile(file)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if !o.JetStream || !o.SyncAlways || o.MaxPayload != 8<<20 || o.ServerName == "" || o.Username == "" || o.Password == "" ||
			o.HTTPPort != 8222 || o.Cluster.Name == "" || len(o.Routes) != 3 {
			t.Errorf("%s lacks what Dashwire needs: %+v", file, o)
		}
	}
}

// TestDeploy_BusyServersStay: whoever asks whether a server should get traffic waits for
// the answer of one that is busy, or a site on which all are busy is taken away.
func TestDeploy_BusyServersStay(t *testing.T) {
	for file, wait := range map[string]string{
		"proxies/Caddyfile":        `health_uri /readyz\n\s+health_interval 1s\n\s+health_timeout 5s\n`,
		"proxies/haproxy.cfg":      `timeout check 5s\n`,
		"proxies/traefik.yaml":     `healthCheck: { path: /readyz, interval: 1s, timeout: 5s }`,
		"kubernetes/dashwire.yaml": `readinessProbe: { httpGet: { path: /readyz, port: http }, .*\btimeoutSeconds: 5\b`,
	} {
		text, err := os.ReadFile(filepath.Join(deploy, file))
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(wait).Match(text) {
			t.Errorf("%s does not wait five seconds for /readyz (%s)", file, wait)
		}
	}
}

// TestDeploy_Settings: containers are given variables that the server knows.
func TestDeploy_Settings(t *testing.T) {
	parsed, err := parse([]string{"serve"}, os.Stdout)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for name := range flagsOf(parsed.Model, "serve") {
		known["DASHWIRE_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))] = true
	}
	variable := regexp.MustCompile(`\bDASHWIRE_\w+`)
	for _, file := range []string{"compose/compose.yaml", "kubernetes/dashwire.yaml"} {
		text, err := os.ReadFile(filepath.Join(deploy, file))
		if err != nil {
			t.Fatal(err)
		}
		found := variable.FindAllString(string(text), -1)
		if len(found) < 5 {
			t.Errorf("%s has the variables %q only", file, found)
		}
		for _, name := range found {
			if !known[name] && name != "DASHWIRE_SITE" { // the Caddyfile's
				t.Errorf("%s: serve knows no %s", file, name)
			}
		}
	}
}

// rendered is a file of deploy with its names and addresses replaced, in a folder of
// the test.
func rendered(t *testing.T, dir, file string, pairs ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(deploy, file))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(string(text), pairs[i]) {
			t.Fatalf("%s has no %q", file, pairs[i])
		}
	}
	path := filepath.Join(dir, filepath.Base(file))
	if err := os.WriteFile(path, []byte(strings.NewReplacer(pairs...).Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// site is two Dashwire servers of three and three NATS servers, started from the files
// for systemd.
type site struct {
	t     *testing.T
	nodes []*process
	// addresses of the three; nothing listens at the third.
	addresses []string
	secret    string // the folder of the key of tokens
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, addresses: freeport.Addresses(t, 3), secret: t.TempDir()}
	must(t, s.secret, "token", "--new-secret", "--secret-file", "secret")
	ports := freeport.Take(t, 9)
	at := func(port int) string { return fmt.Sprint("127.0.0.1:", port) }
	clients, monitors, routes := ports[:3], ports[3:6], ports[6:]
	var names []string
	for i := range 3 {
		name := fmt.Sprint("node-", i+1)
		names = append(names, name+":4222", at(clients[i]), name+":8222", at(monitors[i]), name+":6222", at(routes[i]))
	}
	var servers []*natstest.Server
	for i := range 3 {
		dir, name := t.TempDir(), fmt.Sprint("node-", i+1)
		config := rendered(t, dir, "systemd/nats.conf", append([]string{
			"server_name: node-1", "server_name: " + name, "0.0.0.0:4222", at(clients[i]), "0.0.0.0:8222", at(monitors[i]),
			"0.0.0.0:6222", at(routes[i]), "/var/lib/nats", filepath.Join(dir, "store"),
		}, only(names, ":6222")...)...)
		servers = append(servers, &natstest.Server{Name: name, Port: clients[i], MonitorPort: monitors[i], Config: config})
	}
	natstest.Run(t, servers...)
	for i := range 2 {
		s.nodes = append(s.nodes, s.start(i, only(names, ":4222", ":8222")))
	}
	return s
}

// only are the pairs for some ports.
func only(pairs []string, ports ...string) []string {
	var out []string
	for i := 0; i < len(pairs); i += 2 {
		for _, port := range ports {
			if strings.HasSuffix(pairs[i], port) {
				out = append(out, pairs[i], pairs[i+1])
			}
		}
	}
	return out
}

func (s *site) start(i int, nats []string) *process {
	s.t.Helper()
	dir := s.t.TempDir()
	config := rendered(s.t, dir, "systemd/dashwire.yaml", append([]string{
		"0.0.0.0:3000", s.addresses[i], "127.0.0.1:3001", "127.0.0.1:0", "/etc/dashwire/token.secret", filepath.Join(s.secret, "secret"),
		"10.0.0.0/24", "127.0.0.1/32", "audit-log: /var/lib/dashwire", "audit-log: " + dir,
	}, nats...)...)
	p := start(s.t, command(s.t, dir, "serve", "--config", config, "--drain", "100ms", "--auth-cookie", "session"))
	p.url = p.wait(readyLine)[1]
	return p
}

func (s *site) token(args ...string) string {
	s.t.Helper()
	return strings.TrimSpace(must(s.t, s.secret, append([]string{"token", "--secret-file", "secret"}, args...)...))
}

// front is a proxy before the site.
type front struct {
	t     *testing.T
	site  *site
	url   string // https
	plain string // http
	http  *http.Client
	tls   *tls.Config
}

// from dials as another address than the proxy's own.
func from(ctx context.Context, network, addr string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 7)}}
	return d.DialContext(ctx, network, addr)
}

func newFront(t *testing.T, s *site, secure, plain string, pool *x509.CertPool) *front {
	t.Helper()
	f := &front{t: t, site: s, url: "https://localhost:" + port(secure), plain: "http://" + plain, tls: &tls.Config{RootCAs: pool}}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: f.tls, DialContext: from}
	f.http = &http.Client{Transport: transport, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	t.Cleanup(transport.CloseIdleConnections)
	end := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		res, err := f.http.Get(f.url + "/readyz")
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return f
			}
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("the proxy does not get through: %v %+v", err, res)
		}
	}
}

func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// do makes a request and returns its answer, with the body read.
func (f *front) do(method, path, token, body string, header ...string) (*http.Response, string) {
	f.t.Helper()
	r := request(f.t, method, f.url+path, body)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	// A proxy whose servers are all busy answers 503 by itself.
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for until := time.Now().Add(patience); ; <-again.C {
		r.Body, _ = r.GetBody()
		res, err := f.http.Do(r)
		if err != nil {
			f.t.Fatal(err)
		}
		data, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			f.t.Fatal(err)
		}
		if res.StatusCode != http.StatusServiceUnavailable || time.Now().After(until) {
			return res, string(data)
		}
	}
}

// TestDeploy_Proxies: the configurations for proxies carry everything that clients do, to
// servers of which one is not there.
func TestDeploy_Proxies(t *testing.T) {
	s := newSite(t)
	for name, begin := range map[string]func(*testing.T, *site) *front{"nginx": nginx, "haproxy": haproxy, "caddy": caddy} {
		t.Run(name, func(t *testing.T) {
			f := begin(t, s)
			f.redirects()
			f.knowsItsOrigin()
			f.tellsTheAddress()
			f.streams()
			f.carriesImports()
		})
	}
	// A4, C7: servers come and go.
	for name, begin := range map[string]func(*testing.T, *site) *front{"nginx": nginx, "haproxy": haproxy, "caddy": caddy} {
		t.Run("a server ends behind "+name, func(t *testing.T) { begin(t, newSite(t)).outlivesAServer() })
	}
}

// redirects: plain HTTP is sent to https.
func (f *front) redirects() {
	f.t.Helper()
	r := request(f.t, "GET", f.plain+"/d/ops?x=1", "")
	r.Host = "localhost"
	res, err := f.http.Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	res.Body.Close()
	want := regexp.MustCompile(`^https://localhost(:\d+)?/d/ops\?x=1$`)
	if res.StatusCode != http.StatusPermanentRedirect || !want.MatchString(res.Header.Get("Location")) {
		f.t.Errorf("plain HTTP got %s to %q", res.Status, res.Header.Get("Location"))
	}
}

// knowsItsOrigin: the server takes pages of the proxy's address for its own (H6), tells
// where its WebSocket is (H1), and marks its cookie Secure (H7).
func (f *front) knowsItsOrigin() {
	f.t.Helper()
	token := f.site.token("--user", "ana", "--grant", "*=owner")
	res, body := f.do("GET", "/api/realtime", token, "")
	if want := `"wsUrl":"` + strings.Replace(f.url, "https", "wss", 1) + `/api/realtime"`; res.StatusCode != 200 || !strings.Contains(body, want) {
		f.t.Errorf("H1: %s, want %s in %s", res.Status, want, body)
	}
	res, body = f.do("POST", "/api/sign-in", "", `{"token":"`+token+`"}`, "Origin", f.url)
	if cookie := res.Header.Get("Set-Cookie"); res.StatusCode/100 != 2 || !strings.Contains(cookie, "Secure") {
		f.t.Errorf("H7: %s, cookie %q, %s", res.Status, cookie, body)
	}
	res, body = f.do("POST", "/api/realtime", "", `{"type":"SYNC","operations":[]}`, "Origin", f.url)
	if res.StatusCode != 200 {
		f.t.Errorf("H6: by cookie from its own page: %s, %s", res.Status, body)
	}
	res, body = f.do("POST", "/api/realtime", "", `{"type":"SYNC","operations":[]}`, "Origin", "https://elsewhere.example")
	if res.StatusCode != 403 {
		f.t.Errorf("H6: by cookie from another page: %s, %s", res.Status, body)
	}
}

// dial connects a client by WebSocket.
func (f *front) dial(user string, header http.Header) *client.Client {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	c, err := client.Dial(ctx, client.Options{
		URL: f.url, Token: f.site.token("--user", user, "--grant", "*=owner"), TLS: f.tls, DialContext: from, Header: header,
		ReconnectMin: 10 * time.Millisecond, ReconnectMax: 200 * time.Millisecond,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { c.Close() })
	return c
}

// tellsTheAddress: the limits of an address (C8) are those of the client's, whatever the
// client says of itself.
func (f *front) tellsTheAddress() {
	f.t.Helper()
	c := f.dial("bo", http.Header{"X-Forwarded-For": {"9.9.9.9"}})
	defer c.Close()
	admin := f.site.token("--user", "op", "--admin")
	var seen []string
	for _, node := range f.site.nodes {
		_, body := node.call(admin, "GET", "/api/admin/sessions", "")
		var list struct {
			Sessions []struct{ UserID, RemoteAddr string }
		}
		if err := json.Unmarshal([]byte(body), &list); err != nil {
			f.t.Fatalf("%v: %s", err, body)
		}
		for _, one := range list.Sessions {
			if one.UserID == "bo" {
				seen = append(seen, one.RemoteAddr)
			}
		}
	}
	if len(seen) != 1 || seen[0] != "127.0.0.7" {
		f.t.Errorf("C8: the session comes from %q, want 127.0.0.7", seen)
	}
}

// streams: what happens comes at once over an event stream (H2) and over a WebSocket.
func (f *front) streams() {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	editor := f.dial("ana", nil)
	defer editor.Close()
	dashboard := "live-" + regexp.MustCompile(`\W`).ReplaceAllString(f.t.Name(), "-")
	d, err := editor.Subscribe(ctx, dashboard, client.Follow{})
	if err != nil {
		f.t.Fatal(err)
	}
	set := func(title string) {
		f.t.Helper()
		op := client.Op{Type: client.DashboardUpdate, Policy: "overwrite", Set: map[string]any{"/title": title}}
		if answer, err := insist(ctx, d, op); err != nil || answer.Ack == nil {
			f.t.Fatalf("%+v, %v", answer, err)
		}
	}
	set("first")
	r := request(f.t, "GET", f.url+"/api/realtime/events?dashboardId="+dashboard, "").WithContext(ctx)
	r.Header.Set("Authorization", "Bearer "+f.site.token("--user", "bo", "--grant", "*=viewer"))
	res, err := f.http.Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	defer res.Body.Close()
	var heard strings.Builder
	buf := make([]byte, 4096)
	until := func(text string) {
		f.t.Helper()
		for !strings.Contains(heard.String(), text) {
			n, err := res.Body.Read(buf)
			heard.Write(buf[:n])
			if err != nil {
				f.t.Fatalf("the event stream (%s) ended before %s: %v\n%s", res.Status, text, err, &heard)
			}
		}
	}
	until(`"first"`)
	set("second")
	until(`"second"`)
}

// carriesImports: a body may be as long as the server takes it.
func (f *front) carriesImports() {
	f.t.Helper()
	token := f.site.token("--user", "ana", "--grant", "*=owner")
	id := "big-" + regexp.MustCompile(`\W`).ReplaceAllString(f.t.Name(), "-")
	body := `{"document":{"widgets":{"note":{"type":"text","config":{"text":"` + strings.Repeat("dash ", 600_000) + `"}}}}}`
	res, answer := f.do("POST", "/api/dashboards/import?id="+id, token, body)
	if res.StatusCode != http.StatusCreated {
		f.t.Errorf("an import of %d bytes: %s, %.300s", len(body), res.Status, answer)
	}
}

// outlivesAServer: a client whose server is killed goes on at another, and misses and
// repeats nothing (A4).
func (f *front) outlivesAServer() {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 2*patience)
	defer cancel()
	var clients []*client.Dashboard
	for i := range 4 {
		d, err := f.dial(fmt.Sprint("user-", i), nil).Subscribe(ctx, "ops", client.Follow{})
		if err != nil {
			f.t.Fatal(err)
		}
		clients = append(clients, d)
	}
	const each = 15
	var wg sync.WaitGroup
	half := make(chan struct{})
	var once sync.Once
	for i, d := range clients {
		wg.Go(func() {
			for n := range each {
				op := client.Op{
					ID: fmt.Sprintf("op-%d-%d", i, n), Type: client.DashboardUpdate,
					Policy: "overwrite", Set: map[string]any{fmt.Sprint("/config/", i): n},
				}
				answer, err := insist(ctx, d, op)
				if err != nil || answer.Ack == nil {
					f.t.Errorf("%s: %+v, %v", op.ID, answer, err)
					return
				}
				if n == each/2 {
					once.Do(func() { close(half) })
				}
			}
		})
	}
	select {
	case <-half:
	case <-ctx.Done():
		f.t.Fatal("the clients do not get that far")
	}
	if err := f.site.nodes[0].cmd.Process.Kill(); err != nil {
		f.t.Fatal(err)
	}
	wg.Wait()
	for i, d := range clients {
		err := d.Wait(ctx, func(v client.View) bool { return v.Version == uint64(len(clients)*each) })
		if err != nil {
			f.t.Errorf("client %d is at version %d, want %d: %v", i, d.View().Version, len(clients)*each, err)
		}
	}
}

// launch starts a proxy and has it end with the test.
func launch(t *testing.T, name string, env []string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: install nginx-light, haproxy and caddy", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // fails if it has ended
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, &out)
		}
	})
}

// certificate writes one of localhost, and returns the files and who trusts it.
func certificate(t *testing.T) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	a, dir := newAuthority(t), t.TempDir()
	a.issue(dir, 1)
	return filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), a.pool
}

// upstreams are the pairs that put the servers' addresses in.
func (s *site) upstreams() []string {
	var out []string
	for i, address := range s.addresses {
		out = append(out, fmt.Sprintf("node-%d:3000", i+1), address)
	}
	return out
}

func nginx(t *testing.T, s *site) *front {
	cert, key, pool := certificate(t)
	dir, at := t.TempDir(), freeport.Addresses(t, 2)
	rendered(t, dir, "proxies/nginx.conf", append(s.upstreams(), "listen 80;", "listen "+at[0]+";", "listen 443 ssl", "listen "+at[1]+" ssl",
		"/etc/ssl/dash.example.com.pem", cert, "/etc/ssl/dash.example.com.key", key)...)
	main := `daemon off; master_process off; pid nginx.pid; error_log stderr warn; events {}
http { access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s; include nginx.conf; }`
	if err := os.WriteFile(filepath.Join(dir, "main.conf"), []byte(main), 0o600); err != nil {
		t.Fatal(err)
	}
	launch(t, "nginx", nil, "-p", dir, "-e", "stderr", "-c", filepath.Join(dir, "main.conf"))
	return newFront(t, s, at[1], at[0], pool)
}

func haproxy(t *testing.T, s *site) *front {
	cert, key, pool := certificate(t)
	dir, at := t.TempDir(), freeport.Addresses(t, 2)
	var both []byte
	for _, file := range []string{cert, key} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, text...)
	}
	pair := filepath.Join(dir, "pair.pem")
	if err := os.WriteFile(pair, both, 0o600); err != nil {
		t.Fatal(err)
	}
	config := rendered(t, dir, "proxies/haproxy.cfg", append(s.upstreams(), "maxconn 100000", "maxconn 1000",
		"bind :80", "bind "+at[0], "bind :443", "bind "+at[1], "/etc/ssl/dash.example.com.pem", pair)...)
	launch(t, "haproxy", nil, "-db", "-f", config)
	return newFront(t, s, at[1], at[0], pool)
}

func caddy(t *testing.T, s *site) *front {
	dir, at := t.TempDir(), freeport.Addresses(t, 2)
	config := rendered(t, dir, "proxies/Caddyfile", s.upstreams()...)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	// Ports of the test, and an authority of Caddy's own instead of one on the internet.
	globals := fmt.Sprintf("{\n admin off\n skip_install_trust\n http_port %s\n https_port %s\n default_bind 127.0.0.1\n}\n", port(at[0]), port(at[1]))
	if err := os.WriteFile(config, append([]byte(globals), text...), 0o600); err != nil {
		t.Fatal(err)
	}
	launch(t, "caddy", []string{"XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "DASHWIRE_SITE=localhost"}, "run", "--config", config, "--adapter", "caddyfile")
	root := filepath.Join(dir, "caddy/pki/authorities/local/root.crt")
	pool := x509.NewCertPool()
	end := time.After(patience)
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		if text, err := os.ReadFile(root); err == nil && pool.AppendCertsFromPEM(text) {
			tick.Stop()
			break
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("Caddy makes no certificate")
		}
	}
	return newFront(t, s, at[1], at[0], pool)
}
