package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"lanewarden/edge/api"
)

// defaultSocket is where an installed agent has its local API.
const defaultSocket = "/var/lib/lanewarden/laned.sock"

// socketFlag adds --socket, whose default may come from the environment.
func socketFlag(c *cobra.Command) *string {
	def := os.Getenv("LANEWARDEN_SOCKET")
	if def == "" {
		def = defaultSocket
	}
	return c.Flags().String("socket", def, "unix socket of the agent (or LANEWARDEN_SOCKET)")
}

// get asks the agent and returns the body of its answer.
func get(ctx context.Context, socket, path string) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://laned"+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := api.NewClient(socket, 0).Do(r)
	if err != nil {
		return nil, explain(socket, err)
	}
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		resp.Body.Close()
		return nil, errors.New(strings.TrimSpace(string(text)))
	}
	return resp.Body, nil
}

// explain says what a technician can do about an agent that does not answer.
func explain(socket string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("no agent at %s: is laned running, and is this its socket? (--socket)", socket)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("the agent at %s is not running: start laned", socket)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: permission denied: use sudo, or join the agent's group", socket)
	}
	return err
}

// show asks the agent and prints its answer: as it is for programs, else by print.
func show[T any](cmd *cobra.Command, socket, path string, asJSON bool, print func(T) error) error {
	body, err := get(cmd.Context(), socket, path)
	if err != nil {
		return err
	}
	defer body.Close()
	if asJSON {
		_, err = io.Copy(cmd.OutOrStdout(), body)
		return err
	}
	var v T
	if err := json.NewDecoder(body).Decode(&v); err != nil {
		return err
	}
	return print(v)
}

// order gives the agent an order, and returns its answer.
func order(ctx context.Context, socket, path string, v any) ([]byte, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://laned"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := api.NewClient(socket, 0).Do(r)
	if err != nil {
		return nil, explain(socket, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(text)))
	}
	return text, err
}

// give gives the agent an order, and prints its answer.
func give(cmd *cobra.Command, socket, path string, v any) error {
	text, err := order(cmd.Context(), socket, path, v)
	if err != nil {
		return err
	}
	_, err = cmd.OutOrStdout().Write(text)
	return err
}
