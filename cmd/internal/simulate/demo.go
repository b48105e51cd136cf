package simulate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"lanewarden/cmd/internal/agent"
	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers"
	"lanewarden/drivers/message"
	"lanewarden/edge/accounts"
	"lanewarden/edge/api/passwords"
	firmwareconfig "lanewarden/firmware-config"
)

// demo runs a hub, an agent and simulated devices on this machine. Addresses are those of the
// embedded lane file.
type demo struct {
	dir, bin string
	scenario string
	p        cli.Printer
	screen   *cli.Screen

	used atomic.Int64 // bytes below dir
	full atomic.Bool  // that is all it may use
}

// Limits and addresses of a demonstration. It may run for days, so that its disk use is bounded.
const (
	demoHub     = "127.0.0.1:8490"
	demoMQTT    = "127.0.0.1:18830"
	demoConsole = "127.0.0.1:8480"
	stopTime    = 5 * time.Second // for a program to end after SIGTERM
	demoBudget  = 1e9             // bytes of disk that a demonstration uses
	demoFresh   = demoBudget / 2  // an earlier demonstration that used more is not gone on with
)

// demoCommand runs the demonstration until Ctrl-C.
func demoCommand() *cobra.Command {
	d := &demo{}
	c := &cobra.Command{
		Use: "demo", Short: "help.demo", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d.p, d.screen = cli.Print(cmd), cli.NewScreen(cmd.OutOrStdout())
			return d.run(cmd.Context())
		},
	}
	c.Flags().StringVar(&d.dir, "dir", ".run", "help.flag.demo.dir")
	c.Flags().StringVar(&d.scenario, "scenario", "demo",
		"help.flag.demo.scenario")
	c.Flags().StringVar(&d.bin, "bin", filepath.Dir(os.Args[0]), "help.flag.bin")
	return c
}

// run runs the demonstration until ctx ends or one of its programs does. Ports are tried first: the
// programs' own errors would only be in their logs. The hub is stopped last, so that it receives
// what the agent sends while it stops.
func (d *demo) run(ctx context.Context) error {
	for _, addr := range []string{demoHub, demoMQTT, demoConsole} {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return message.Wrap(err, "sim.taken", message.String("address", addr))
		}
		// The program itself will listen there.
		l.Close()
	}
	if err := d.clear(); err != nil {
		return err
	}
	config, err := d.writeConfig()
	if err != nil {
		return err
	}
	cfg, err := firmwareconfig.Load(config, drivers.Catalog)
	if err != nil {
		return err
	}
	lane, err := conduct(d.scenario, cfg, uint64(time.Now().Unix()), 12*time.Hour)
	if err != nil {
		return err
	}
	if err := d.giveLists(ctx); err != nil {
		return err
	}
	// Vehicles stay away once the disk that the demonstration may use is spent.
	lane.hold = d.full.Load
	d.welcome()
	g, ctx := errgroup.WithContext(ctx)
	hubCtx, stopHub := context.WithCancel(context.WithoutCancel(ctx)) // it hears the agent's last words
	g.Go(func() error {
		return d.program(hubCtx, "lanehub", "run", "--dir", filepath.Join(d.dir, "hub"),
			"--http", demoHub, "--mqtt", demoMQTT)
	})
	g.Go(func() error {
		defer stopHub()
		return d.program(ctx, "laned", "run", config, "--telemetry-delay", "5s")
	})
	g.Go(func() error { return lane.run(ctx) })
	g.Go(func() error { return d.report(ctx) })
	g.Go(func() error { return d.events(ctx) })
	err = g.Wait()
	d.p.Say("sim.stopped")
	return err
}

// welcome prints where everything is: pages, feed, logs, and how much disk it may use.
func (d *demo) welcome() {
	hub, budget := "http://"+demoHub, cli.Size("budget", demoBudget)
	d.p.Say("sim.demo-feed", message.String("url", hub+"/v1/feed"), message.String("curl", "curl -N '"+hub+"/v1/feed?wait=30s'"))
	d.p.Say("sim.demo-hub", message.String("hub", hub))
	d.p.Say("sim.demo-console", message.String("url", "http://"+demoConsole+"/"), message.String("password", demoPassword))
	d.p.Say("sim.demo-status", message.String("command", "bin/lanectl status --socket "+d.socket()))
	d.p.Say("sim.demo-logs", message.String("folder", d.dir))
	d.p.Say("sim.demo-disk", message.String("folder", d.dir), budget)
}

// socket is the path of the agent's local API.
func (d *demo) socket() string { return filepath.Join(d.dir, "agent", agent.SocketName) }

// laneFile returns the embedded lane file of a scenario: the one of its name, or that of make run,
// whose devices the other scenarios share.
func laneFile(scenario string) ([]byte, error) {
	text, err := firmwareconfig.Lanes.ReadFile("lanes/" + scenario + ".yaml")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) { // invalid: a path
		return firmwareconfig.Lanes.ReadFile("lanes/demo.yaml")
	}
	return text, err
}

// clear deletes the state of an earlier demonstration in the same folder if that used much of the
// disk; else it is continued.
func (d *demo) clear() error {
	used := usedBytes(d.dir)
	if used < demoFresh {
		return nil
	}
	d.p.Say("sim.cleared", message.String("folder", d.dir), cli.Size("size", used))
	for _, name := range []string{"agent", "hub", "n42", "xray", "trace"} {
		if err := os.RemoveAll(filepath.Join(d.dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// writeConfig writes the embedded lane file with this demonstration's folder and accounts in it,
// and returns its path.
func (d *demo) writeConfig() (string, error) {
	text, err := laneFile(d.scenario)
	if err != nil {
		return "", err
	}
	for _, folder := range []string{"n42", "trace"} {
		if err := os.MkdirAll(filepath.Join(d.dir, folder), 0o750); err != nil {
			return "", err
		}
	}
	book, err := d.writeAccounts()
	if err != nil {
		return "", err
	}
	path := filepath.Join(d.dir, "lane.yaml")
	lane, err := d.lenient(string(text))
	if err != nil {
		return "", err
	}
	if lane, err = d.giveOrders(lane); err != nil {
		return "", err
	}
	// All paths in the embedded lane files begin with .run/.
	lane = strings.ReplaceAll(lane, " .run/", " "+d.dir+"/")
	lane = strings.Replace(lane, demoListen,
		strings.TrimSuffix(demoListen, "}")+fmt.Sprintf(", accounts_file: %q}", book), 1)
	return path, os.WriteFile(path, []byte(lane), 0o640)
}

const (
	// as the lane files have it
	demoListen   = `console: {listen: "` + demoConsole + `", url: "http://` + demoConsole + `/"}`
	demoPassword = "lanewarden"
)

// writeAccounts writes an accounts file with an account for each role, named after it, and returns
// its path. All have the same password, which is printed: the console listens on this machine
// alone.
func (d *demo) writeAccounts() (string, error) {
	var all []accounts.Account
	for role := accounts.Viewer; role <= accounts.Admin; role++ {
		hash, err := passwords.Hash(demoPassword)
		if err != nil {
			return "", err
		}
		all = append(all, accounts.Account{Name: role.String(), Role: role, Hash: hash})
	}
	path := filepath.Join(d.dir, "accounts")
	return path, accounts.Write(path, all)
}

// program runs a program until ctx ends, and then stops it with SIGTERM, which has stopTime to
// work. One that ends by itself ends the demonstration, with the last of its log as the error.
// Pdeathsig stops it also if this process is killed.
func (d *demo) program(ctx context.Context, name string, args ...string) error {
	log, err := os.Create(filepath.Join(d.dir, name+".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, filepath.Join(d.bin, name), args...)
	cmd.Stdout, cmd.Stderr = log, log
	// Ctrl-C reaches them through us, once
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	// A program that does not stop by then is killed.
	cmd.WaitDelay = stopTime
	err = cmd.Run()
	if ctx.Err() != nil {
		return nil
	}
	return errors.Join(message.Wrap(err, "sim.ended", message.String("program", name)), errors.New(lastLines(log.Name())))
}

// lastLines returns the last 2000 bytes of a log, or why it cannot be read.
func lastLines(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}
