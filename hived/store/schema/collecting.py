"""Tables of the auto-miner: sources, what they list, artifacts and what nodes say of them."""

from __future__ import annotations

import peewee as pw

from hived.store.schema.base import Table


class Source(Table):
    id = pw.AutoField()
    name = pw.TextField()
    base_url = pw.TextField(unique=True)
    kind = pw.TextField()
    created_at = pw.DoubleField()
    cursor = pw.TextField(null=True)
    listing_since = pw.DoubleField(null=True)
    listed_at = pw.DoubleField(null=True)
    last_run_at = pw.DoubleField(null=True)
    last_error = pw.TextField(null=True)
    last_error_code = pw.TextField(null=True)
    last_error_at = pw.DoubleField(null=True)
    next_list_at = pw.DoubleField(default=0.0)
    list_failures = pw.IntegerField(default=0)
    refused = pw.IntegerField(default=0)


class Frontier(Table):
    """Objects that a source lists: when to fetch each, and what is known of it from the last time."""

    id = pw.AutoField()
    source = pw.ForeignKeyField(Source, column_name="source_id", on_delete="CASCADE", backref="+")
    object_id = pw.TextField()
    url = pw.TextField()
    host = pw.TextField()
    priority = pw.IntegerField(default=0)
    due_at = pw.DoubleField(default=0.0)
    attempts = pw.IntegerField(default=0)
    leased_until = pw.DoubleField(default=0.0)
    state = pw.TextField(default="waiting")
    etag = pw.TextField(null=True)
    last_modified = pw.TextField(null=True)
    content_hash = pw.TextField(null=True)
    revisit_s = pw.DoubleField(null=True)
    last_result = pw.TextField(null=True)

    class Meta:
        indexes = ((("source", "object_id"), True), (("source", "due_at"), False), (("source", "state"), False))


class Host(Table):
    """When a host may be asked again, and what its robots.txt says."""

    name = pw.TextField(primary_key=True)
    next_ok_at = pw.DoubleField(default=0.0)
    failures = pw.IntegerField(default=0)
    robots_at = pw.DoubleField(null=True)
    robots_status = pw.IntegerField(null=True)
    robots_type = pw.TextField(null=True)
    robots_body = pw.BlobField(null=True)


class Artifact(Table):
    id = pw.AutoField()
    url_key = pw.TextField(unique=True)
    canon_version = pw.IntegerField()
    url = pw.TextField()
    source = pw.ForeignKeyField(Source, column_name="source_id", null=True, on_delete="SET NULL", backref="+")
    source_name = pw.TextField(null=True)
    provider = pw.TextField()
    object_id = pw.TextField()
    title = pw.TextField()
    licence_uri = pw.TextField()
    licence_field = pw.TextField()
    licence_scope = pw.TextField()
    licence_read_at = pw.DoubleField()
    facts = pw.TextField()
    search = pw.TextField()
    image_url = pw.TextField(null=True)
    content_hash = pw.TextField()
    state = pw.TextField(index=True)
    describe_at = pw.DoubleField(default=0.0)
    describe_attempts = pw.IntegerField(default=0)
    describe_error = pw.TextField(null=True)
    given_up_by = pw.TextField(null=True)
    """The model and version of the prompt that said nothing of use three times: it waits for another one."""
    collected_at = pw.DoubleField()
    changed_at = pw.DoubleField()
    told_by = pw.TextField(null=True)
    """The node whose word its facts are; null: they were read here; "": that node was removed."""
    lent_to = pw.TextField(null=True, index=True)
    """The node that is to describe it, from `lent_at` until `lent_until`; null: nobody in particular."""
    lent_at = pw.DoubleField(null=True)
    lent_until = pw.DoubleField(null=True)


class Contribution(Table):
    """What one node says of one artifact; the API and the page call it a bubble.

    `id` is a hash over URL key, node, kind, prompt version and content, so one slot never holds two rows of one id.
    """

    artifact = pw.ForeignKeyField(Artifact, column_name="artifact_id", on_delete="CASCADE", backref="+")
    node_id = pw.TextField()
    kind = pw.TextField()
    id = pw.TextField(index=True)
    content = pw.TextField()
    content_hash = pw.TextField()
    input_hash = pw.TextField(null=True)
    model = pw.TextField(null=True)
    model_digest = pw.TextField(null=True)
    prompt_version = pw.IntegerField(null=True)
    collected_at = pw.DoubleField()
    received_at = pw.DoubleField()
    epoch = pw.TextField(null=True)
    """Incarnation of the database that numbered it; null: this one."""
    seq = pw.BigIntegerField(default=0)
    """The node's own number for it; the streams `contributions` and `facts` go by it, each by its kind."""
    search = pw.TextField(null=True)
    """Its words in lower case; those of the facts are with the artifact."""

    class Meta:
        primary_key = pw.CompositeKey("artifact", "node_id", "kind")
        indexes = ((("node_id", "kind", "seq"), False), (("node_id", "prompt_version"), False))


class Borrowed(Table):
    """An object that the master lent to this node for its model. It is none of this node's artifacts."""

    url_key = pw.TextField(primary_key=True)
    master_id = pw.TextField()
    url = pw.TextField()
    document = pw.TextField()
    until = pw.DoubleField()
    told = pw.TextField(null=True)
    """What came of it, as the master is told; null: it is not described yet."""


class Refusal(Table):
    """Objects that were not stored, counted by source and reason."""

    source = pw.ForeignKeyField(Source, column_name="source_id", on_delete="CASCADE", backref="+")
    reason = pw.TextField()
    count = pw.IntegerField(default=0)
    last_url = pw.TextField(null=True)
    last_at = pw.DoubleField()

    class Meta:
        primary_key = pw.CompositeKey("source", "reason")


class Collector(Table):
    """One row: what the operator wants of the auto-miner, and what it does."""

    name = pw.TextField(primary_key=True)
    wanted = pw.BooleanField(default=False)
    only_source = pw.IntegerField(null=True)
    request = pw.IntegerField(default=0)
    status = pw.TextField(default="Idle")
    current_source = pw.TextField(null=True)
    model_state = pw.TextField(null=True)
    describer = pw.TextField(null=True)
    """The model that answers, by name, digest and version of what it is asked; null: none does."""
    changed_at = pw.DoubleField(default=0.0)
