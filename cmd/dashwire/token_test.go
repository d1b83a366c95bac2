package main

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestToken_NoRoomForASecret: a file that could not be written is not left behind, so that
// the next attempt is not refused.
func TestToken_NoRoomForASecret(t *testing.T) {
	dir := t.TempDir()
	cmd := command(t, dir, "token", "--secret-file", "s", "--new-secret")
	args := append([]string{"-c", `ulimit -f 0 && exec "$0" "$@"`}, cmd.Args...)
	full := exec.Command("sh", args...)
	full.Dir, full.Env = dir, cmd.Env
	if r := finish(t, full); r.code == 0 {
		t.Fatalf("there was room: %s", r.err)
	}
	if exists(filepath.Join(dir, "s")) {
		t.Fatal("half a secret was left behind")
	}
	must(t, dir, "token", "--secret-file", "s", "--new-secret")
}
