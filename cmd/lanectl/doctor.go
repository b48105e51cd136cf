package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/agent"
	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers"
	"lanewarden/drivers/message"
	"lanewarden/drivers/transport/broker"
	"lanewarden/edge/diag/doctor"
	firmwareconfig "lanewarden/firmware-config"
)

// Where the packages install an agent's lane file, and under which user the agent runs.
const (
	defaultConfig = "/etc/lanewarden/lane.yaml"
	defaultUser   = "lanewarden"
)

// doctorCommand examines the machine, the configuration, the devices and the link, and prints what
// is wrong and what to do. It fails if a finding is a fault; warnings alone are success.
func doctorCommand() *cobra.Command {
	var o doctor.Options
	var asJSON bool
	c := &cobra.Command{
		Use: "doctor", Short: "help.doctor", Args: cobra.NoArgs,
		Long:    "help.doctor.long",
		Example: "  sudo lanectl doctor\n  lanectl doctor --json | jq -r '.[].cause'",
	}
	socket := socketFlag(c)
	f := c.Flags()
	f.StringVar(&o.Config, "config", "", "help.flag.doctor.config")
	f.StringVar(&o.User, "user", "", "help.flag.user")
	f.StringSliceVar(&o.TimeServers, "time-server", nil, "help.flag.time-server")
	f.BoolVar(&asJSON, "json", false, "help.flag.doctor.json")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		o, language := doctorOptions(o, *socket), cli.LanguageOf(cmd)
		findings := doctor.Examine(cmd.Context(), o)
		if asJSON {
			shown := make([]doctor.Shown, len(findings))
			for i, f := range findings {
				shown[i] = f.In(language)
			}
			if err := json.NewEncoder(cmd.OutOrStdout()).Encode(shown); err != nil {
				return err
			}
		} else {
			printFindings(cmd.OutOrStdout(), findings, language)
		}
		for _, f := range findings {
			if f.Severity() == message.Fault {
				return message.Errorf("within", message.String("where", strings.Join(f.Subject, ", ")), message.Nested("cause", f.What))
			}
		}
		return nil
	}
	return c
}

// doctorOptions fills in what the command line leaves open: the installed lane file, if that is
// there and no other socket was named, the socket that it sets, and the agent's user. It also gives
// the examination its access to the world, so that package doctor can be tested without one.
func doctorOptions(o doctor.Options, socket string) doctor.Options {
	o.Socket, o.Load, o.TLS, o.Connect, o.Enter = absolute(socket), load, brokerTLS, brokerConnect, os.Chdir
	if o.Config != "" {
		o.Config = absolute(o.Config)
	}
	// Without that user, the rights of whoever runs the command are looked at.
	if _, err := user.Lookup(defaultUser); err == nil && o.User == "" {
		o.User = defaultUser
	}
	if _, err := os.Stat(defaultConfig); err == nil && o.Config == "" && socket == defaultSocket {
		o.Config = defaultConfig
	}
	if c, err := load(o.Config); err == nil && socket == defaultSocket {
		o.Socket = agent.Socket(c)
	}
	return o
}

// absolute returns a path as seen from the root. The examination changes to the agent's folder,
// from which a relative path would lead elsewhere.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// load reads a lane file for the catalogue of drivers of this program.
func load(path string) (*firmwareconfig.Config, error) {
	return firmwareconfig.Load(path, drivers.Catalog)
}

// printFindings prints numbered findings with what was seen and what to do, red for faults and
// yellow for warnings. The cause's code in brackets is the one that --json has.
func printFindings(w io.Writer, findings []doctor.Finding, l message.Language) {
	if len(findings) == 0 {
		fmt.Fprintln(w, cli.Paint(w, cli.Green, message.New("doctor.nothing").In(l)))
		return
	}
	seen, do := message.New("doctor.label-seen").In(l), message.New("doctor.label-do").In(l)
	for i, finding := range findings {
		f := finding.In(l)
		text, c := f.Text, cli.Red
		if f.Warning {
			text, c = text+" ("+message.New("severity."+f.Severity).In(l)+")", cli.Yellow
		}
		fmt.Fprintln(w, cli.Paint(w, c, fmt.Sprintf("%d. %s%s%s   [%s]", i+1, strings.Join(f.Subject, ", "),
			l.Separator(": "), text, f.Cause)))
		if f.Seen != "" {
			fmt.Fprintf(w, "   %-5s %s\n", seen, strings.ReplaceAll(f.Seen, "\n", "\n         "))
		}
		fmt.Fprintf(w, "   %-5s %s\n", do, f.Do)
	}
}

// brokerTLS returns the TLS settings that the agent uses for its broker.
func brokerTLS(u *firmwareconfig.Uplink) (*tls.Config, error) { return agent.Broker(u).TLS() }

// brokerTimeout bounds the trial connection to the broker.
const brokerTimeout = 3 * time.Second

// brokerConnect makes a trial connection to the broker, with the agent's name and password but
// under another client id: a broker ends the connection of a client whose id another one uses (MQTT
// 3.1.1, 3.1.4). No answer within brokerTimeout is os.ErrDeadlineExceeded.
func brokerConnect(ctx context.Context, u *firmwareconfig.Uplink) error {
	b := agent.Broker(u)
	b.ConnectTimeout = brokerTimeout
	o, err := b.Options("lanectl-doctor-" + cli.Version())
	if err != nil {
		return err
	}
	client := mqtt.NewClient(o)
	defer client.Disconnect(0)
	stop := context.AfterFunc(ctx, func() { client.Disconnect(0) })
	defer stop()
	err = broker.Wait(client.Connect(), brokerTimeout)
	// By this error the examination tells a silent broker from one that refuses.
	if errors.Is(err, broker.ErrNoAnswer) {
		err = fmt.Errorf("%w: %w", err, os.ErrDeadlineExceeded)
	}
	return err
}
