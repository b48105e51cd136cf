package main

import (
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/agent"
	"lanewarden/cmd/internal/backupcli"
	"lanewarden/cmd/internal/cli"
	"lanewarden/edge/backup"
	"lanewarden/edge/journal"
)

// backupCommand copies an agent's state into one file. It reads the state itself, so that it works beside an agent that
// runs, and where none does.
func backupCommand() *cobra.Command {
	var lane string
	c := &cobra.Command{
		Use: "backup STATE_DIR FILE", Short: "help.backup", Long: "help.backup.long", Args: cobra.ExactArgs(2),
		Example: "  lanectl backup /var/lib/lanewarden /mnt/usb/lane-3.tar --lane /etc/lanewarden/lane.yaml\n" +
			"  lanectl backup /var/lib/lanewarden /mnt/usb/lane-3.tar --passphrase-file /root/backup-passphrase",
	}
	c.Flags().StringVar(&lane, "lane", "", "help.flag.backup.lane")
	passphraseFile := backupcli.Passphrase(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		content, err := agentContent(args[0], lane)
		if err != nil {
			return err
		}
		return backupcli.Save(cmd, args[1], content, *passphraseFile)
	}
	return c
}

func restoreCommand() *cobra.Command {
	return backupcli.RestoreCommand(backup.Agent, "restore FILE STATE_DIR", "help.restore", "help.restore.long",
		"  lanectl restore /mnt/usb/lane-3.tar /var/lib/lanewarden")
}

// agentContent lists what is saved of an agent: its journal with key and artifacts and, when lane names a lane file, that
// and the accounts that it names.
func agentContent(stateDir, lane string) (backup.Content, error) {
	dir := filepath.Join(stateDir, "journal")
	c := backup.Content{
		Kind: backup.Agent, Software: cli.Version(),
		Database: backup.Database{
			Path: filepath.Join(dir, journal.FileName), Held: journal.ArtifactsHeld, Removed: journal.ArtifactRemoved,
		},
		Files: []backup.File{
			{Name: "journal/" + journal.KeyFile, Path: filepath.Join(dir, journal.KeyFile), Sealed: true},
			{Name: agent.BesideName, Path: filepath.Join(stateDir, agent.BesideName), Optional: true},
			{Name: agent.HubKeysName, Path: filepath.Join(stateDir, agent.HubKeysName), Optional: true},
		},
	}
	if lane == "" {
		return c, nil
	}
	c.Files = append(c.Files, backup.File{Name: backupcli.ConfigDir + "/lane.yaml", Path: lane})
	accounts, err := accountsOf(lane)
	if err == nil && accounts != "" {
		c.Files = append(c.Files, backup.File{Name: backupcli.ConfigDir + "/accounts", Path: accounts, Sealed: true})
	}
	return c, err
}

// accountsOf returns the file of accounts that a lane file names, "" for none. The lane file is not checked further: a
// faulty one is saved, too.
func accountsOf(lane string) (string, error) {
	text, err := os.ReadFile(lane)
	if err != nil {
		return "", err
	}
	var c struct {
		Console struct {
			AccountsFile string `yaml:"accounts_file"`
		} `yaml:"console"`
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		return "", atPath(lane, err)
	}
	return c.Console.AccountsFile, nil
}
