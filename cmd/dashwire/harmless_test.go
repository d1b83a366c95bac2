package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// hostile is what a log line must not pass on: line ends of several kinds, orders to a
// terminal, marks of direction, bytes that are no UTF-8, quotes.
const hostile = "PWN1\r\nPWN2\n{\"level\":\"ERROR\"}\x1b]0;PWN\x07\x1b[2J\u0085PWN3\u009b31m\u2028PWN4\u2029\u202ePWN5\u200b\x00\x7f\xff\"'`\\x1b[31mPWN6\\"

// colours are the orders that the handler for terminals gives by itself.
var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// checkLines fails on a line that something sent has made or has orders in.
func checkLines(t *testing.T, text, format string) {
	t.Helper()
	if format == "terminal" {
		text = colours.ReplaceAllString(text, "")
	}
	if !utf8.ValidString(text) {
		t.Errorf("the log is no UTF-8: %q", text)
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		for _, r := range line {
			if strange(r) {
				t.Errorf("%U stands in the line %q", r, line)
				break
			}
		}
		ours := regexp.MustCompile(`^(\{"time":|time=|\d\d:\d\d:\d\d\.\d{3} (DBG|INF|WRN|ERR) )`)
		if !ours.MatchString(line) {
			t.Errorf("this is no line of the server's: %q", line)
		}
		if format == "json" && !json.Valid([]byte(line)) {
			t.Errorf("this is no JSON: %q", line)
		}
	}
}

func TestLogLinesStayLines(t *testing.T) {
	for _, format := range []string{"text", "json", "terminal"} {
		t.Run(format, func(t *testing.T) {
			var b bytes.Buffer
			f := logFlags{LogLevel: logLevel(slog.LevelDebug), LogFormat: format}
			log := f.loggerTo(&b, format == "terminal")
			log.Info(hostile, hostile, hostile, "err", errors.New(hostile), "any", []string{hostile}, slog.Group(hostile, "a", hostile))
			log.With("with", hostile).WithGroup("group").Warn("x", "url", &url.URL{Path: hostile}, "n", 1, "took", time.Second)
			slog.NewLogLogger(log.Handler(), slog.LevelDebug).Print("http: " + hostile)
			checkLines(t, b.String(), format)
			if n := strings.Count(b.String(), "\n"); n != 3 {
				t.Errorf("three records are %d lines:\n%s", n, b.String())
			}
			if !strings.Contains(b.String(), "PWN5") || !strings.Contains(b.String(), "took=1s") && !strings.Contains(colours.ReplaceAllString(b.String(), ""), "took=1s") && format != "json" {
				t.Errorf("what was logged is gone:\n%s", b.String())
			}
		})
	}
}

func TestQuotesInLogLinesAreReadable(t *testing.T) {
	for format, want := range map[string]string{
		"text":     `level=WARN msg="the dashboard 'ops' is closed" err="reading 'ops': no such file" n=1`,
		"terminal": `WRN the dashboard 'ops' is closed err="reading 'ops': no such file" n=1`,
		"json":     `"msg":"the dashboard \"ops\" is closed","err":"reading \"ops\": no such file","n":1}`,
	} {
		t.Run(format, func(t *testing.T) {
			var b bytes.Buffer
			log := logFlags{LogFormat: format}.loggerTo(&b, format == "terminal")
			log.Warn(`the dashboard "ops" is closed`, "err", fmt.Errorf("reading %q: %w", "ops", errors.New("no such file")), "n", 1)
			if got := colours.ReplaceAllString(b.String(), ""); !strings.HasSuffix(got, want+"\n") {
				t.Errorf("%s\nwant its end to be\n%s", got, want)
			}
		})
	}
}

func TestCredentialsAreNotLogged(t *testing.T) {
	for in, want := range map[string]string{
		"nothing of the kind":                                    "nothing of the kind",
		"Get https://x/?a=1&token=s3cret&b=2: EOF":               "Get https://x/?a=1&token=…&b=2: EOF",
		"Authorization: Bearer s3cret, and more":                 "Authorization: Bearer …, and more",
		"dashwire.v1, bearer.s3cret":                             "dashwire.v1, bearer.…",
		"token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln is old": "token … is old",
		"é stays": "é stays",
	} {
		if got := plain(in); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestNothingSentBreaksTheLog sends hostile text through every way in of a server, and
// looks at its log in both formats, at its metrics, its audit log and its answers.
func TestNothingSentBreaksTheLog(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			dir := t.TempDir()
			must(t, dir, "token", "--new-secret", "--secret-file", "s.secret")
			admin := strings.TrimSpace(must(t, dir, "token", "--secret-file", "s.secret", "--user", "op", "--admin", "--grant", "*=owner"))
			p := serve(t, dir, "--data", "x.db", "--jwt-secret-file", "s.secret", "--auth-cookie", "sid", "--log-level", "debug", "--log-format", format)
			answers := sendHostile(t, p.url, admin)
			metrics := string(fetch(t, "GET", p.url+"/metrics", "", http.Header{"Authorization": {"Bearer " + admin}}))
			p.stop()
			log := p.errs.String()
			checkLines(t, log, format)
			acts := string(readFile(t, filepath.Join(dir, "x.audit.jsonl")))
			for i, b := range []byte(acts) {
				if b != '\n' && (b < ' ' || b > '~') {
					t.Fatalf("byte %d of the audit log is %#x", i, b)
				}
			}
			secret := strings.TrimSpace(string(readFile(t, filepath.Join(dir, "s.secret"))))
			for name, text := range map[string]string{"log": log, "metrics": metrics, "audit log": acts, "answers": answers} {
				for _, private := range []string{admin, admin[strings.LastIndexByte(admin, '.')+1:], secret, "s3cret", "goroutine ", "/dashwire/"} {
					if private != "" && strings.Contains(text, private) {
						t.Errorf("%q is in the %s:\n%s", private, name, text)
					}
				}
			}
			for _, line := range strings.Split(metrics, "\n") {
				if strings.HasPrefix(line, "dashwire_") && strings.Contains(line, "PWN") {
					t.Errorf("what was sent is in a label: %s", line)
				}
			}
			for _, by := range []string{"header", "cookie", "connect", "subprotocol", "query"} {
				if !strings.Contains(acts, `"by":"`+by+`"`) {
					t.Errorf("a sign-in by %s was refused and is not written down:\n%s", by, acts)
				}
			}
			if !strings.Contains(acts, "tokens.revoked") || !strings.Contains(acts, "sign-in.refused") || !strings.Contains(log, "origin") {
				t.Errorf("not all of it arrived:\n%s\n%s", log, acts)
			}
		})
	}
}

// sendHostile returns what the server has answered.
func sendHostile(t *testing.T, base, admin string) string {
	t.Helper()
	var answers strings.Builder
	bearer := "Authorization: Bearer " + admin
	raw := func(lines ...string) {
		t.Helper()
		conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(conn, strings.Join(append(lines, "Connection: close"), "\r\n")+"\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(conn) // what is cut off counts too
		answers.Write(text)
	}
	// No line ends are in a header, and only what is no control character is taken.
	inHeader := strings.NewReplacer("\r", "", "\n", "", "\x00", "").Replace(hostile)
	taken := strings.NewReplacer("\x1b", "", "\x07", "", "\x7f", "").Replace(inHeader)
	escaped := url.QueryEscape(hostile)
	const host = "Host: localhost"
	for _, lines := range [][]string{
		{"GET /" + escaped + " HTTP/1.1", host},
		{"GET /api/" + escaped + " HTTP/1.1", host, bearer},
		{"GET /api/dashboards/" + escaped + " HTTP/1.1", host, bearer},
		{"GET /api/dashboards?q=" + escaped + "&cursor=" + escaped + "&userId=" + escaped + " HTTP/1.1", host, bearer},
		{"GET /api/dashboards/ops/audit?user=" + escaped + "&path=%2F" + escaped + " HTTP/1.1", host, bearer},
		{"GET /api/realtime?token=s3cret HTTP/1.1", host},
		{"GET /debug/pprof/ HTTP/1.1", host},
		{"GET /debug/vars HTTP/1.1", host},
		{inHeader + " / HTTP/1.1", host},
		{"GET " + inHeader + " HTTP/1.1", host},
		{"GET / HTTP/1.1", "Host: " + inHeader},
		{inHeader},
		{"GET /api/dashboards HTTP/1.1", host, "Authorization: Bearer s3cret" + inHeader},
		{"GET /api/dashboards HTTP/1.1", host, "Cookie: sid=s3cret" + inHeader},
		{"GET /api/dashboards HTTP/1.1", host, "Signature: sig=:s3cret:", "Signature-Input: " + inHeader},
		{
			"DELETE /api/dashboards/ops HTTP/1.1", host, bearer, "Origin: " + inHeader, "User-Agent: " + inHeader, "Referer: " + inHeader,
			"X-Forwarded-For: " + inHeader, "Forwarded: " + inHeader,
		},
		{"DELETE /api/dashboards/ops HTTP/1.1", host, "Cookie: sid=s3cret", "User-Agent: " + inHeader},
		{"PUT /api/dashboards/ops/widgets/a HTTP/1.1", host, bearer, "Idempotency-Key: " + inHeader, "Dashwire-Client: " + inHeader, "Dashwire-Base: " + inHeader, "Content-Length: 2", "", "{}"},
	} {
		raw(lines...)
		for i := range lines {
			lines[i] = strings.ReplaceAll(lines[i], inHeader, taken)
		}
		raw(lines...)
	}
	text, err := json.Marshal(hostile)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range [][3]string{
		{"POST", "/api/sign-in", `{"token":"s3cret` + string(text[1:]) + `}`},
		{"POST", "/api/admin/revoke", `{"userId":` + string(text) + `}`},
		{"POST", "/api/admin/revoke", `{"jti":` + string(text) + `}`},
		{"POST", "/api/admin/messages", `{"name":` + string(text) + `,"data":"s3cret"}`},
		{"POST", "/api/admin/rights", `{"userId":` + string(text) + `}`},
		{"POST", "/api/dashboards", `{"id":` + string(text) + `}`},
		{"POST", "/api/dashboards", `{"id":"ops","title":` + string(text) + `}`},
		{"POST", "/api/dashboards", `{"` + hostile + `"`},
		{"POST", "/api/dashboards/import", `{"title":` + string(text) + `,"panels":1}`},
		{"PATCH", "/api/dashboards/ops/settings", `{` + string(text) + `:` + string(text) + `}`},
		{"POST", "/api/realtime", `{"type":"SYNC","operations":[{"type":` + string(text) + `,"id":` + string(text) + `},{"type":"WIDGET_UPDATE","id":` + string(text) + `,"payload":{"dashboardId":"ops","widgetId":` + string(text) + `}}]}`},
	} {
		r, err := http.NewRequest(x[0], base+x[1], strings.NewReader(x[2]))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+admin)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		answers.Write(body)
	}
	s := connect(t, base+"/api/realtime", bearer, "User-Agent: "+taken)
	s.send(`{"type":"CONNECT","id":"hello","payload":{"clientId":"c"}}`)
	s.welcomed()
	s.send(`{"type":%s,"id":"a"}`, text)
	s.send(`{"type":"SYNC_REQUEST","id":%s,"payload":{"dashboardId":%s}}`, text, text)
	s.send(`{"type":"PRESENCE","id":"b","payload":{"dashboardId":"ops","state":{"name":%s}}}`, text)
	s.send(`{"type":"WIDGET_UPDATE","id":"c","payload":{"dashboardId":"ops","widgetId":"w","create":true,"set":{"/title":%s}}}`, text)
	s.send(`{"type":"CONNECT","id":"d","payload":{"token":"s3cret%s}}`, text[1:])
	s.closedWith(4401)
	other := connect(t, base+"/api/realtime", "Sec-WebSocket-Protocol: dashwire.v1, bearer.s3cret")
	other.closedWith(4401)
	return answers.String()
}
