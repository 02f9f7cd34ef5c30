"""The prose of the man pages: what no parser, table or docstring says.

`x` is bold, x(8) a page, indented text an example. The text of a daemon's page is the docstring of its module.
"""

OF_EVERY_DAEMON = """
It runs in the foreground, as a unit of systemd that tells when it is ready and that it is alive; log lines go to
standard error. All daemons of a machine share one database, and each can be stopped and restarted alone:

    systemctl restart NAME
"""
SIGNALS = {
    "SIGTERM, SIGINT": "End, within 5 seconds. The second one ends at once, with exit status 1.",
    "SIGHUP": "Read the configuration anew (`systemctl reload`). A bad file is refused with the line that is wrong, "
    "and the daemon goes on with the configuration that it has.",
    "SIGABRT": "Sent by the watchdog of systemd to a daemon that hangs: it writes where, and is started again.",
}
DAEMON_EXITS = {
    "0": "It was told to end, or `--once` or `--check` are done.",
    "1": "It failed; the last lines say why. systemd starts it again.",
    "2": "The command line is wrong.",
    "78": "The configuration is wrong, or the database has another schema. systemd does not start it again: correct "
    "what the line says, or run `hivectl migrate`.",
}
CONFIGURATION = ("/etc/hived/hived.yaml", "/etc/hived/conf.d/*.yaml", "/etc/hived/secrets.yaml")
FILES = {
    "/etc/hived/hived.yaml": "The configuration, see hived.yaml(5).",
    "/etc/hived/conf.d/*.yaml": "Read after it, in the order of their names: the place for what is of this site.",
    "/etc/hived/secrets.yaml": "Read after those, with the same options: passwords, for the user hived alone.",
    "/var/lib/hived/hived.db": "The database, unless `database.url` names another one.",
    "/var/lib/hived/node-id": "The identity of this node towards its master.",
    "/var/lib/hived/secret.key": "What the keys and passwords of miners are sealed with in the database. Keep a copy.",
}
SHARED_UNIT = {"/usr/share/hived/10-hived.conf": "What all units share, each line with its reason."}
ENVIRONMENT = {
    "HIVED_CONFIG": "The main file of the configuration, in place of /etc/hived/hived.yaml.",
    "HIVED_SECTION__KEY": "One option, such as HIVED_NETWORK__PORT=81. It is stronger than the files; hived.yaml(5) "
    "names each, and those of other programs that mean the same.",
}

HIVECTL = """
`hivectl` shows what the daemons of this machine found and stored, and tells them what the operator wants. It works on
the database, with or without daemons that run: a command for a miner is done by the daemon whose business it is.

Begin with `hivectl status`; when something is wrong, `hivectl doctor` says what, with the next step as a command. The
database belongs to the user hived: run it as root or as that user.

    sudo hivectl status

Every command takes `--config` and `--json` too, before or after its name. What `--json` prints is for programs; it
has the same names as the API.
"""
HIVECTL_EXITS = {
    "0": "Done.",
    "1": "It failed, or `doctor` found something that does.",
    "2": "The command line is wrong, or asks for something that makes no sense.",
    "78": "The configuration is wrong, or the database has another schema.",
}
HIVECTL_EXAMPLES = {
    "hivectl miners list --failing --sort worst": "What needs a look first.",
    "hivectl miners scan 192.168.7.0/24": "Look for miners there, now.",
    "hivectl users add anna --role admin --password-prompt": "Make the first user of the dashboard.",
    "hivectl backup /media/usb/rig-1.tar": "Write all that this node is into one file, while it works. It has the keys "
    "of the miners: keep it like one.",
    "hivectl join https://192.168.1.2:8080": "Let this node belong to a master; a person there lets it in.",
}

HIVE_SIM = """
`hive-sim` pretends to be what hived talks to: a site full of miners with the VNish firmware (`fleet`), a museum with
an open-access API (`collection`), a model server that speaks Ollama's API (`ollama`). They listen on loopback
addresses only, until `--allow-any-address` lets them out, and run until SIGINT or SIGTERM.

Each may have a control API (`--control`). The other commands talk to it and let a running stand-in misbehave: a fan
that stops, a network that hangs, a museum that wants to be left alone.
"""
HIVE_SIM_EXITS = {
    "0": "It was told to end, or the command is done.",
    "1": "It cannot listen there, or no control API answers.",
    "2": "The command line is wrong.",
}
HIVE_SIM_EXAMPLES = {
    "hive-sim fleet --count 200 --control 127.0.0.1:8190": "200 miners on 127.20.0.1 and the addresses after it, port "
    "8180. hive-discoverd finds them with `network.subnets: [127.20.0.0/24]` and `network.port: 8180`.",
    "hive-sim fault 127.20.0.7 hung": "Let the seventh accept connections and never answer.",
    "hive-sim clear 127.20.0.7": "Let it be well again.",
}

HIVED_YAML = """
All daemons of a machine and hivectl(8) read one configuration, in this order; what comes later is stronger: the main
file, the files of conf.d beside it by their names, the environment, the flags of a daemon. A list replaces the list
before it as a whole. The files are YAML: sections with options in them. What is not written has its default.

A mistake is one line with the place and what was expected there, and exit status 78:

    hived.yaml:12: network.port: expected an integer from 1 to 65535, got 'eighty'

Any daemon prints what is in effect and where each value came from, without secrets:

    hive-polld --check

`systemctl reload` of a unit makes a change so. A bad file never stops a daemon that runs: it goes on with the old
values and says why in the journal.
"""
HIVED_YAML_EXAMPLE = """
A site with two networks, whose router is left alone, in a file of its own:

    # /etc/hived/conf.d/site.yaml
    node: {name: rig-1, site: North hall}
    network:
      subnets: [192.168.7.0/24, 192.168.8.0/24]
      exclude: [192.168.7.1]

A master with PostgreSQL; only the user hived may read this file:

    # /etc/hived/conf.d/database.yaml
    database: {url: 'postgresql://hived:password@127.0.0.1/hived'}
"""
