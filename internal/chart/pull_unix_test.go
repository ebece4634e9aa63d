//go:build unix

package chart

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A program that keeps the operator's logins may ask for something and wait.
func TestPullDoesNotWaitForAHelper(t *testing.T) {
	hermetic(t)
	registry, _ := filled(t)
	registry.User = "operator"
	host := serve(t, registry)
	dir := t.TempDir()
	asked, answer := filepath.Join(dir, "asked"), filepath.Join(dir, "answer")
	for _, pipe := range []string{asked, answer} {
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"docker-credential-slow": fmt.Sprintf("#!/bin/sh\n: >%s\nread x <%s\n", asked, answer),
		"config.json":            `{"credsStore": "slow"}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := Pull(ctx, at(host)+":1.2.3", PullOptions{RegistryConfig: filepath.Join(dir, "config.json")})
		ended <- err
	}()
	waiting, err := os.Open(asked) // opens when the helper runs
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	answered, err := os.OpenFile(answer, os.O_WRONLY, 0) // and the helper ends
	if err != nil {
		t.Fatal(err)
	}
	answered.Close()
}
