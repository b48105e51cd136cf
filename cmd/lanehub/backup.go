package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/backupcli"
	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/edge/backup"
	"lanewarden/sync/hub"
	"lanewarden/sync/hub/authority"
	"lanewarden/sync/hub/ledger"
)

// backupCommand copies a hub's state into one file, while the hub runs or not. What waits in memory is not in it: agents
// keep what is not acknowledged.
func backupCommand() *cobra.Command {
	var tokens, agents, ca string
	c := &cobra.Command{
		Use: "backup DIR FILE", Short: "help.hub-backup", Long: "help.hub-backup.long", Args: cobra.ExactArgs(2),
		Example: "  lanehub backup /var/lib/lanehub /mnt/backup/hub.tar --http-tokens /etc/lanewarden/tokens --agents /etc/lanewarden/agents",
	}
	f := c.Flags()
	f.StringVar(&tokens, "http-tokens", "", "help.flag.backup.tokens")
	f.StringVar(&agents, "agents", "", "help.flag.backup.agents")
	f.StringVar(&ca, "ca-dir", "", "help.flag.backup.ca")
	passphraseFile := backupcli.Passphrase(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if _, err := os.Stat(filepath.Join(args[0], ledger.FileName)); errors.Is(err, fs.ErrNotExist) {
			return message.Errorf("lanehub.backup-no-ledger", message.String("dir", args[0]), message.String("file", ledger.FileName))
		}
		return backupcli.Save(cmd, args[1], hubContent(args[0], tokens, agents, ca), *passphraseFile)
	}
	return c
}

func restoreCommand() *cobra.Command {
	return backupcli.RestoreCommand(backup.Hub, "restore FILE DIR", "help.hub-restore", "help.hub-restore.long",
		"  lanehub restore /mnt/backup/hub.tar /var/lib/lanehub")
}

// hubContent lists what is saved of a hub: its ledger and artifacts, and the files that are named; "" names none.
func hubContent(dir, tokens, agents, ca string) backup.Content {
	c := backup.Content{
		Kind: backup.Hub, Software: cli.Version(),
		Database: backup.Database{Path: filepath.Join(dir, ledger.FileName), Held: ledger.ArtifactsHeld},
	}
	c.Files = append(c.Files, backup.File{Name: hub.KeyFile, Path: filepath.Join(dir, hub.KeyFile), Sealed: true, Optional: true})
	add := func(path, name string, secret bool) {
		c.Files = append(c.Files, backup.File{Name: backupcli.ConfigDir + "/" + name, Path: path, Sealed: secret})
	}
	if tokens != "" {
		add(tokens, "tokens", true)
	}
	if agents != "" {
		add(agents, "agents", true)
	}
	if ca != "" {
		add(filepath.Join(ca, authority.CertFile), "ca/"+authority.CertFile, false)
		add(filepath.Join(ca, authority.KeyFile), "ca/"+authority.KeyFile, true)
	}
	return c
}
