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

// socketFlag adds --socket, whose default may come from the environment.
func socketFlag(c *cobra.Command) *string {
	def := os.Getenv("LANEWARDEN_SOCKET")
	if def == "" {
		def = defaultSocket
	}
	return c.Flags().String("socket", def, "help.flag.socket")
}

// local returns a client of the agent on a socket, for as long as an answer takes.
func local(socket string) *api.Client { return api.NewClient(socket, 0) }

// explain describes what a technician can do about an agent that does not answer.
func explain(socket string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return message.Errorf("lanectl.no-agent", message.String("socket", socket))
	case errors.Is(err, syscall.ECONNREFUSED):
		return message.Errorf("lanectl.agent-stopped", message.String("socket", socket))
	case errors.Is(err, fs.ErrPermission):
		return message.Errorf("lanectl.agent-denied", message.String("socket", socket))
	}
	return err
}

// show asks the agent and prints its answer: as it comes for programs, else by print.
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

// copyAnswer asks the agent and prints its answer as it comes.
func copyAnswer[In any](cmd *cobra.Command, socket string, q opener[In], in In) error {
	body, err := q.Open(cmd.Context(), local(socket), in)
	if err != nil {
		return explain(socket, err)
	}
	defer body.Close()
	_, err = io.Copy(cmd.OutOrStdout(), body)
	return err
}

// opener is an operation whose answer can be had as it comes: an api.Query or an api.Stream.
type opener[In any] interface {
	Open(ctx context.Context, c *api.Client, in In) (io.ReadCloser, error)
}
