package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"lanewarden/drivers/transport/wait"
	"lanewarden/edge/api"
)

// notify tells systemd that the agent is ready, and then, three times within WATCHDOG_USEC, that it
// is alive, for as long as its API answers (sd_notify(3), sd_watchdog_enabled(3)). It returns when
// ctx ends, or at once where no systemd listens. An agent that hangs stays silent, and systemd
// restarts it.
func notify(ctx context.Context, socket string, log *slog.Logger) {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("systemd's watchdog", "err", err)
	}
	// Without a watchdog the agent is asked each second until it is ready.
	pause := max(every/3, time.Second)
	client := api.NewClient(socket, pause)
	for ready := false; ; {
		if _, err := api.GetStatus.Ask(ctx, client, api.None{}); err == nil { // journal, devices and link answer for it
			state := daemon.SdNotifyWatchdog
			if !ready {
				ready, state = true, daemon.SdNotifyReady
			}
			if sent, err := daemon.SdNotify(false, state); !sent {
				if err != nil {
					log.Warn("systemd", "err", err)
				}
				return // nobody listens
			}
			// It has been said that the agent is ready, and nothing else is asked for.
			if every == 0 {
				return
			}
		}
		if err := wait.For(ctx, pause); err != nil {
			return
		}
	}
}
