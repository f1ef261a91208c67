# Asks /api/v1: who one is, pages, problems, patience. The functions for each resource stand in Psa.Routes.ps1.
# Runs in Windows PowerShell 5.1 and in PowerShell 7.

Set-StrictMode -Version 2.0

$script:PsaBase = $null
$script:PsaHeaders = @{}

function Connect-Psa {
    <#
    .SYNOPSIS
    Says where the platform is, and who one is; holds until Disconnect-Psa, or the end of the session.
    .EXAMPLE
    Connect-Psa -Uri https://psa.example.com -ApiKey (Read-Host -AsSecureString)
    #>
    [CmdletBinding(DefaultParameterSetName = 'Key')]
    param(
        [Parameter(Mandatory)] [uri]$Uri,
        [Parameter(Mandatory, ParameterSetName = 'Key')] [securestring]$ApiKey,
        [Parameter(Mandatory, ParameterSetName = 'Token')] [securestring]$Token
    )
    $headers = @{ Accept = 'application/json' }
    if ($PSCmdlet.ParameterSetName -eq 'Key') {
        $headers['X-API-Key'] = ConvertFrom-PsaSecret $ApiKey
    }
    else {
        $headers['Authorization'] = 'Bearer ' + (ConvertFrom-PsaSecret $Token)
    }
    $script:PsaBase = $Uri.AbsoluteUri.TrimEnd('/') + '/api/v1/'
    $script:PsaHeaders = $headers
}

function Disconnect-Psa {
    <#
    .SYNOPSIS
    Forgets the key, or the token.
    #>
    [CmdletBinding()]
    param()
    $script:PsaBase = $null
    $script:PsaHeaders = @{}
}

function ConvertFrom-PsaSecret {
    param([securestring]$Secret)
    return (New-Object System.Management.Automation.PSCredential 'psa', $Secret).GetNetworkCredential().Password
}

function ConvertTo-PsaSegment {
    param([string]$Text)
    return [uri]::EscapeDataString($Text)
}

function Invoke-PsaApi {
    <#
    .SYNOPSIS
    Asks one route; answers what it answers, and throws its problem (RFC 9457) with the code as error id.
    .EXAMPLE
    Invoke-PsaApi -Path tickets -Query @{ status = 'open'; limit = 10 }
    #>
    [CmdletBinding()]
    param(
        [ValidateSet('Get', 'Post', 'Patch', 'Delete')] [string]$Method = 'Get',
        [Parameter(Mandatory)] [string]$Path,
        [hashtable]$Query = @{},
        [object]$Body,
        [string]$IfMatch,
        [string]$IdempotencyKey,
        [switch]$DryRun,
        [int]$Retries = 2
    )
    if ($null -eq $script:PsaBase) {
        throw 'Say first who you are: Connect-Psa -Uri https://... -ApiKey ...'
    }
    $headers = $script:PsaHeaders.Clone()
    if ($IfMatch) { $headers['If-Match'] = $IfMatch }
    if ($IdempotencyKey) { $headers['Idempotency-Key'] = $IdempotencyKey }
    if ($DryRun) { $headers['Prefer'] = 'dry-run' }
    $request = @{ Method = $Method; Uri = (Get-PsaUri -Path $Path -Query $Query); Headers = $headers; UseBasicParsing = $true }
    if ($Method -in 'Post', 'Patch' -and $null -ne $Body) {
        $request['ContentType'] = 'application/json; charset=utf-8'
        if ($Method -eq 'Patch' -and $Body -isnot [array] -and -not $Body.ContainsKey('items')) {
            $request['ContentType'] = 'application/merge-patch+json; charset=utf-8'
        }
        $request['Body'] = [Text.Encoding]::UTF8.GetBytes((ConvertTo-Json -InputObject $Body -Depth 20 -Compress))
    }
    $repeatable = $Method -eq 'Get' -or [bool]$IdempotencyKey
    for ($left = $Retries; $true; $left--) {
        try {
            $response = Invoke-WebRequest @request
            break
        }
        catch {
            $problem = Read-PsaProblem $_
            $again = $problem.status -eq 429 -or ($problem.status -eq 503 -and $repeatable)
            if (-not $again -or $left -le 0 -or $problem.wait -gt 60) {
                $PSCmdlet.ThrowTerminatingError((New-PsaError $problem $_))
            }
            Start-Sleep -Seconds $problem.wait
        }
    }
    if (-not $response.Content) { return }
    $text = $response.Content
    if ($text -is [byte[]]) { $text = [Text.Encoding]::UTF8.GetString($text) }
    $answer = ConvertFrom-Json -InputObject $text
    $tag = $response.Headers['ETag']
    if ($tag -and $answer -isnot [array]) {
        Add-Member -InputObject $answer -NotePropertyName ETag -NotePropertyValue ([string]($tag | Select-Object -First 1)) -Force
    }
    return $answer
}

function Get-PsaUri {
    param([string]$Path, [hashtable]$Query)
    $uri = $Path
    if ($Path -notmatch '^https?://') {
        $uri = $script:PsaBase + $Path.TrimStart('/')
    }
    $pairs = foreach ($name in $Query.Keys) {
        $value = $Query[$name]
        if ($null -eq $value -or ($value -is [string] -and $value -eq '')) { continue }
        if ($value -is [array] -and $value.Count -eq 0) { continue }
        if ($value -is [bool]) { $value = $value.ToString().ToLowerInvariant() }
        if ($value -is [datetime]) { $value = $value.ToUniversalTime().ToString('o') }
        [uri]::EscapeDataString($name) + '=' + [uri]::EscapeDataString(($value -join ','))
    }
    if ($pairs) { $uri += '?' + (@($pairs) -join '&') }
    return $uri
}

function Read-PsaProblem {
    param([Management.Automation.ErrorRecord]$Failure)
    $told = @{ status = 0; code = 'UNREACHABLE'; detail = $Failure.Exception.Message; wait = 1 }
    $response = $null
    if ($Failure.Exception.PSObject.Properties['Response']) { $response = $Failure.Exception.Response }
    if ($null -ne $response) {
        $told.status = [int]$response.StatusCode
        $after = $null
        if ($response.Headers.PSObject.Properties['RetryAfter'] -and $response.Headers.RetryAfter) {
            $after = $response.Headers.RetryAfter.ToString()
        }
        elseif ($response -is [Net.HttpWebResponse]) {
            $after = $response.Headers['Retry-After']
        }
        if ($after -match '^\d+$') { $told.wait = [int]$after }
    }
    if ($Failure.ErrorDetails -and $Failure.ErrorDetails.Message) {
        try {
            $document = ConvertFrom-Json -InputObject $Failure.ErrorDetails.Message
            $told.document = $document
            $told.status = [int]$document.status
            $told.code = $document.code
            $told.detail = $document.detail
        }
        catch {
            $told.detail = $Failure.ErrorDetails.Message
        }
    }
    return $told
}

function New-PsaError {
    param([hashtable]$Problem, [Management.Automation.ErrorRecord]$Failure)
    $kinds = @{ 401 = 'AuthenticationError'; 403 = 'PermissionDenied'; 404 = 'ObjectNotFound'; 409 = 'ResourceExists'; 429 = 'LimitsExceeded' }
    $kind = 'InvalidOperation'
    if ($kinds.ContainsKey($Problem.status)) { $kind = $kinds[$Problem.status] }
    $message = '{0} {1}: {2}' -f $Problem.status, $Problem.code, $Problem.detail
    $exception = New-Object System.InvalidOperationException $message, $Failure.Exception
    $target = $null
    if ($Problem.ContainsKey('document')) { $target = $Problem.document }
    return New-Object System.Management.Automation.ErrorRecord $exception, $Problem.code, $kind, $target
}

function Get-PsaThing {
    param([string]$Path, [string[]]$Fields, [string[]]$Expand)
    return Invoke-PsaApi -Path $Path -Query @{ fields = $Fields; expand = $Expand }
}

function Get-PsaList {
    param(
        [string]$Path, [string[]]$Fields, [string[]]$Expand,
        [hashtable]$Filter, [int]$Limit, [string]$Sort, [switch]$All
    )
    $query = $Filter.Clone()
    $query['fields'] = $Fields
    $query['expand'] = $Expand
    $query['sort'] = $Sort
    $query['limit'] = $Limit
    do {
        $page = Invoke-PsaApi -Path $Path -Query $query
        $page.data
        $query.Remove('since')  # a feed begins there, and goes on at the cursor
        $query['cursor'] = $page.page.nextCursor
    } while ($All -and $page.page.hasMore)
}

function Invoke-PsaBulk {
    <#
    .SYNOPSIS
    Makes, or changes, up to 50 things at once; answers a result for each: status, and data or a problem.
    .EXAMPLE
    Invoke-PsaBulk -Resource tickets -Items @{ customerId = $id; title = 'One' }, @{ customerId = $id; title = 'Two' }
    #>
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory)] [string]$Resource,
        [Parameter(Mandatory)] [hashtable[]]$Items,
        [switch]$Change,
        [string]$IdempotencyKey = [guid]::NewGuid().ToString(),
        [switch]$DryRun
    )
    $method = 'Post'
    if ($Change) { $method = 'Patch' }
    if ($DryRun -or $PSCmdlet.ShouldProcess($Resource, $method)) {
        $answer = Invoke-PsaApi -Method $method -Path "$Resource/bulk" -Body @{ items = @($Items) } -IdempotencyKey $IdempotencyKey -DryRun:$DryRun
        $answer.results
    }
}

. (Join-Path $PSScriptRoot 'Psa.Routes.ps1')
