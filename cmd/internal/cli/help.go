package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lanewarden/drivers/message"
)

// addHelp gives a program and all its commands their texts in a language. Where cobra has texts,
// the code has codes of the catalogue: in Short, Long and Example of commands and in the usage of
// flags. It must run after all commands were added.
func addHelp(root *cobra.Command, l message.Language) {
	prepareHelp(root)
	p := Printer{Language: l}
	each(root, func(c *cobra.Command) {
		c.Short, c.Long, c.Example = p.help(c.Short), p.help(c.Long), p.help(c.Example)
		c.Flags().VisitAll(func(f *pflag.Flag) { f.Usage = p.help(f.Usage) })
		c.PersistentFlags().VisitAll(func(f *pflag.Flag) { f.Usage = p.help(f.Usage) })
	})
	root.Long += "\n\n" + p.Phrase("help.exit-codes")
	root.SetUsageFunc(func(c *cobra.Command) error {
		Printer{c.OutOrStderr(), l}.usage(c)
		return nil
	})
}

// prepareHelp adds the commands and flags that cobra would add later, with English texts of its
// own.
func prepareHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	cobraTexts(root)
	each(root, func(c *cobra.Command) { c.Flags().BoolP("help", "h", false, "help.flag.help") })
}

// Texts returns the codes of all texts of a program's help, by command and flag, before they are
// replaced. Tests compare them with the catalogue.
func Texts(root *cobra.Command) map[string]string {
	addLanguage(root, nil)
	addGenerate(root)
	prepareHelp(root)
	codes := map[string]string{}
	each(root, func(c *cobra.Command) {
		codes[c.CommandPath()] = c.Short
		if c.Long != "" {
			codes[c.CommandPath()+" (long)"] = c.Long
		}
		flag := func(f *pflag.Flag) {
			if !f.Hidden {
				codes[c.CommandPath()+" --"+f.Name] = f.Usage
			}
		}
		c.Flags().VisitAll(flag)
		c.PersistentFlags().VisitAll(flag)
	})
	return codes
}

// help returns the text of a code, and anything else as it is: example lines need no translation.
func (p Printer) help(text string) string {
	if message.Known(text) {
		return p.In(message.New(text))
	}
	return text
}

// loading is how a shell loads its completions; %s is the command that writes them.
var loading = map[string]string{
	"bash": "source <(%s)", "zsh": "source <(%s)", "fish": "%s | source",
	"powershell": "%s | Out-String | Invoke-Expression",
}

// cobraTexts replaces the texts of cobra's own commands and flags by codes.
func cobraTexts(root *cobra.Command) {
	root.Flags().BoolP("version", "v", false, "help.flag.version")
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Short, c.Long = "help.help", "help.help.long"
		case "completion":
			c.Short, c.Long = "help.completion", ""
			for _, shell := range c.Commands() {
				shell.Short, shell.Long = "help.completion-script", ""
				shell.Example = "  " + fmt.Sprintf(loading[shell.Name()], shell.CommandPath())
				if f := shell.Flags().Lookup("no-descriptions"); f != nil {
					f.Usage = "help.flag.no-descriptions"
				}
			}
		}
	}
}

// usage prints how a command is written: usage line, examples, commands, flags. It replaces cobra's
// template, which has its headings in English.
func (p Printer) usage(c *cobra.Command) {
	fmt.Fprintln(p.Writer, p.Phrase("help.usage"))
	if c.Runnable() {
		fmt.Fprintf(p.Writer, "  %s\n", p.useLine(c))
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(p.Writer, "  %s [%s]\n", c.CommandPath(), p.Phrase("help.command"))
	}
	if c.HasExample() {
		fmt.Fprintf(p.Writer, "\n%s\n%s\n", p.Phrase("help.examples"), c.Example)
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(p.Writer, "\n%s\n", p.Phrase("help.commands"))
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() || sub.Name() == "help" {
				fmt.Fprintf(p.Writer, "  %-*s %s\n", sub.NamePadding(), sub.Name(), sub.Short)
			}
		}
	}
	p.flags("help.flags", c.LocalFlags())
	p.flags("help.global-flags", c.InheritedFlags())
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(p.Writer, "\n%s\n", p.Phrase("help.more", message.String("path", c.CommandPath())))
	}
}

// useLine returns cobra's usage line with the word for flags in the printer's language.
func (p Printer) useLine(c *cobra.Command) string {
	line, has := strings.CutSuffix(c.UseLine(), "[flags]")
	if has {
		line += "[" + p.Phrase("help.flags-word") + "]"
	}
	return line
}

// flags prints flags below a heading, in two columns; nothing when there are none. Hidden and
// deprecated ones are left out.
func (p Printer) flags(heading string, all *pflag.FlagSet) {
	if !all.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(p.Writer, "\n%s\n", p.In(message.New(heading)))
	var lines [][2]string
	width := 0
	all.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Deprecated != "" {
			return
		}
		name, text := p.flag(f)
		width = max(width, len([]rune(name)))
		lines = append(lines, [2]string{name, text})
	})
	for _, line := range lines {
		pad := strings.Repeat(" ", width-len([]rune(line[0])))
		fmt.Fprintf(p.Writer, "%s%s   %s\n", line[0], pad, line[1])
	}
}

// noDefault lists defaults that say nothing and are not printed.
var noDefault = []string{"", "0", "0s", "false", "[]"}

// flag returns how a flag is written, with the kind of its value, and what it does, with its
// default.
func (p Printer) flag(f *pflag.Flag) (name, text string) {
	name = "      --" + f.Name
	if f.Shorthand != "" {
		name = "  -" + f.Shorthand + ", --" + f.Name
	}
	value, text := pflag.UnquoteUsage(f)
	if code := "help.type." + value; message.Known(code) {
		value = p.In(message.New(code))
	}
	if value != "" {
		name += " " + value
	}
	if slices.Contains(noDefault, f.DefValue) {
		return name, text
	}
	def := f.DefValue
	if f.Value.Type() == "string" {
		def = fmt.Sprintf("%q", def)
	}
	if f.Name == languageFlag { // its text says it
		return name, text
	}
	return name, text + " " + p.Phrase("help.default", message.String("value", def))
}
