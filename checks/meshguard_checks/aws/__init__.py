"""Checks of AWS accounts."""

from meshguard_checks.aws.admin import admin_access, admin_path
from meshguard_checks.aws.alarms import alarms
from meshguard_checks.aws.backups import backup_encrypted
from meshguard_checks.aws.backups_buckets import backup_bucket_separate, backup_retention
from meshguard_checks.aws.backups_made import backup_integrity, backup_plan, backup_restore_tested, rds_backup
from meshguard_checks.aws.buckets import s3_encrypted, s3_lifecycle, s3_object_lock, s3_versioning
from meshguard_checks.aws.buckets_access import s3_access_logging, s3_public_access, s3_tls_only
from meshguard_checks.aws.deploys import codedeploy, codedeploy_rollback, ecr_scanning
from meshguard_checks.aws.detection import config_rules, guardduty, guardduty_findings, securityhub
from meshguard_checks.aws.events import event_rules
from meshguard_checks.aws.identity import access_key_age, iam_wildcards, password_policy, root_account, user_mfa
from meshguard_checks.aws.keys import kms_in_use, kms_key_policy, kms_rotation, store_keys_rotated
from meshguard_checks.aws.network import network_acls, security_groups, vpc_flow_logs
from meshguard_checks.aws.residency import regions
from meshguard_checks.aws.secrets import secret_age, secret_rotation, secrets_manager_in_use
from meshguard_checks.aws.serving import autoscaling_zones, load_balancer, synthetics, waf_rules
from meshguard_checks.aws.store_subnets import subnets
from meshguard_checks.aws.stores import (
    dynamodb_encrypted,
    ebs_default_encrypted,
    ebs_encrypted,
    efs_encrypted,
    logs_encrypted,
    rds_encrypted,
    sns_encrypted,
    sqs_encrypted,
)
from meshguard_checks.aws.trails import cloudtrail, cloudtrail_logs_secrets, log_retention

__all__ = [
    "access_key_age",
    "admin_access",
    "admin_path",
    "alarms",
    "autoscaling_zones",
    "backup_bucket_separate",
    "backup_encrypted",
    "backup_integrity",
    "backup_plan",
    "backup_restore_tested",
    "backup_retention",
    "cloudtrail",
    "cloudtrail_logs_secrets",
    "codedeploy",
    "codedeploy_rollback",
    "config_rules",
    "dynamodb_encrypted",
    "ebs_default_encrypted",
    "ebs_encrypted",
    "ecr_scanning",
    "efs_encrypted",
    "event_rules",
    "guardduty",
    "guardduty_findings",
    "iam_wildcards",
    "kms_in_use",
    "kms_key_policy",
    "kms_rotation",
    "load_balancer",
    "log_retention",
    "logs_encrypted",
    "network_acls",
    "password_policy",
    "rds_backup",
    "rds_encrypted",
    "regions",
    "root_account",
    "s3_access_logging",
    "s3_encrypted",
    "s3_lifecycle",
    "s3_object_lock",
    "s3_public_access",
    "s3_tls_only",
    "s3_versioning",
    "secret_age",
    "secret_rotation",
    "secrets_manager_in_use",
    "security_groups",
    "securityhub",
    "sns_encrypted",
    "sqs_encrypted",
    "store_keys_rotated",
    "subnets",
    "synthetics",
    "user_mfa",
    "vpc_flow_logs",
    "waf_rules",
]
