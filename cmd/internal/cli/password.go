package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lanewarden/drivers/message"
)

// NewPassword returns a new password: the first line of standard input, or from a terminal what
// was typed twice the same.
func NewPassword(cmd *cobra.Command) (string, error) {
	in, ok := cmd.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
		// A last line without an end counts too: printf writes one.
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	var typed [2]string
	// Prompts go to standard error, so that standard output can be redirected.
	for i, prompt := range []string{"cli.ask-password", "cli.ask-password-again"} {
		fmt.Fprint(cmd.ErrOrStderr(), PrintErr(cmd).In(message.New(prompt))+" ")
		text, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(cmd.ErrOrStderr())
		if err != nil {
			return "", err
		}
		typed[i] = string(text)
	}
	if typed[0] != typed[1] {
		return "", message.Errorf("cli.passwords-differ")
	}
	return typed[0], nil
}
