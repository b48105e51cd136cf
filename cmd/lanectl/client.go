package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
)

// defaultSocket is the path of an installed agent's local API.
const defaultSocket = "/var/lib/lanewarden/laned.sock"

// socketFlag adds --socket. Its default is $LANEWARDEN_SOCKET, else the installed agent's socket.
func socketFlag(c *cobra.Command) *string {
	def := os.Getenv("LANEWARDEN_SOCKET")
	if def == "" {
		def = defaultSocket
	}
	return c.Flags().String("socket", def, "help.flag.socket")
}

// local returns a client of the agent on a socket. It has no timeout: a tail goes on for ever, and
// Ctrl-C ends the rest.
func local(socket string) *api.Client { return api.NewClient(socket, 0) }

// explain replaces the error of an agent that cannot be reached by what a technician can do about
// it. Other errors, and nil, are returned as they are.
func explain(socket string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return message.Errorf("lanectl.no-agent", message.String("socket", socket))
	// An agent that was killed leaves its socket behind.
	case errors.Is(err, syscall.ECONNREFUSED):
		return message.Errorf("lanectl.agent-stopped", message.String("socket", socket))
	case errors.Is(err, fs.ErrPermission):
		return message.Errorf("lanectl.agent-denied", message.String("socket", socket))
	}
	return err
}

// show asks the agent and prints its answer: with asJSON the bytes as they came, so that programs
// see what this version does not know as well; else by print, whose error it returns.
func show[In, Out any](
	cmd *cobra.Command, socket string, q *api.Query[In, Out], in In, asJSON bool, print func(Out) error,
) error {
	if asJSON {
		return copyAnswer(cmd, socket, q, in)
	}
	out, err := q.Ask(cmd.Context(), local(socket), in)
	if err != nil {
		return explain(socket, err)
	}
	return print(out)
}

// copyAnswer asks the agent and copies its answer to standard output.
func copyAnswer[In any](cmd *cobra.Command, socket string, q opener[In], in In) error {
	body, err := q.Open(cmd.Context(), local(socket), in)
	if err != nil {
		return explain(socket, err)
	}
	defer body.Close()
	_, err = io.Copy(cmd.OutOrStdout(), body)
	return err
}

// opener is an operation whose answer can be read as it comes: an api.Query or an api.Stream.
type opener[In any] interface {
	Open(ctx context.Context, c *api.Client, in In) (io.ReadCloser, error)
}
